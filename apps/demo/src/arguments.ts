import { parseArgs } from 'node:util';

/** What the demo was asked to do. */
export interface DemoOptions {
    /** Three nodes that keep everything three times, in place of one. */
    readonly cluster: boolean;
    /** The nats-server to run; `undefined`: the one that the set-up has found. */
    readonly natsServer: string | undefined;
}

/** The arguments make no sense; the message says which and what would. */
export class UsageError extends Error {
    override readonly name = 'UsageError';
}

export const USAGE = `Usage: npm run demo -- [options]

Replays a week of earthquakes into a JetStream stream. Three change-source processes share the work and keep their
watermarks in NATS KV. On the way one of them and a NATS node are killed with kill -9. In the end everything that was
processed is compared with what there was to process. Takes about 20 seconds.

  --cluster             run on three NATS nodes, with three replicas of everything
  --nats-server <path>  use this nats-server (2.10 or newer)
  --help                show this

Exit code: 0 when no event was lost, 1 when the demo failed, 2 for wrong arguments.
Without a terminal, or with NO_COLOR set, the output is plain text.`;

/**
 * Reads the command line.
 *
 * @throws {UsageError}
 */
export function parseArguments(args: readonly string[]): DemoOptions | 'help' {
    try {
        const { values } = parseArgs({
            args: [...args],
            options: {
                cluster: { type: 'boolean', default: false },
                'nats-server': { type: 'string' },
                help: { type: 'boolean', short: 'h', default: false }
            }
        });
        return values.help ? 'help' : { cluster: values.cluster, natsServer: values['nats-server'] };
    } catch (error) {
        throw new UsageError(error instanceof Error ? error.message : String(error));
    }
}
