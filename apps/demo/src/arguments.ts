import { parseArgs } from 'node:util';

/** What the demo was asked to do. */
export interface DemoOptions {
    /** Plays with the real zero-cache, and not with change sources alone. */
    readonly zero: boolean;
    /** Three nodes that keep everything three times, in place of one. */
    readonly cluster: boolean;
    /** The nats-server to run; `undefined`: the one that the set-up has found. */
    readonly natsServer: string | undefined;
    /** The folder of PostgreSQL's programs; `undefined`: the usual places. */
    readonly postgres: string | undefined;
}

/** The arguments make no sense; the message says which and what would. */
export class UsageError extends Error {
    override readonly name = 'UsageError';
}

export const USAGE = `Usage: npm run demo -- [options]

Replays a week of earthquakes into a JetStream stream. Three change-source processes share the work and keep their
watermarks in NATS KV. On the way one of them and a NATS node are killed with kill -9. In the end everything that was
processed is compared with what there was to process. Takes about 20 seconds.

  --zero                replay them as rows instead, which two change sources pass on to the real zero-cache and a client
                        of it; a change source, a NATS node and zero-cache are killed with kill -9, and in the end every
                        row is compared (takes about a minute and needs PostgreSQL's initdb and postgres)
  --cluster             run on three NATS nodes, with three replicas of everything
  --nats-server <path>  use this nats-server (2.10 or newer)
  --postgres <folder>   use the initdb and postgres of this folder; goes with --zero
  --help                show this

Exit code: 0 when nothing was lost, 1 when the demo failed, 2 for wrong arguments.
Without a terminal, or with NO_COLOR set, the output is plain text.`;

/**
 * Reads the command line.
 *
 * @throws {UsageError}
 */
export function parseArguments(args: readonly string[]): DemoOptions | 'help' {
    const values = parse(args);
    if (values.help) {
        return 'help';
    }
    const { zero, cluster, 'nats-server': natsServer, postgres } = values;
    if (postgres !== undefined && !zero) {
        throw new UsageError("Option '--postgres' goes with '--zero': only zero-cache needs PostgreSQL.");
    }
    for (const [name, value] of Object.entries({ 'nats-server': natsServer, postgres })) {
        if (value === '') {
            throw new UsageError(`Option '--${name}' is empty: leave it out, or give it a path.`);
        }
    }
    return { zero, cluster, natsServer, postgres };
}

function parse(args: readonly string[]) {
    try {
        return parseArgs({
            args: [...args],
            options: {
                zero: { type: 'boolean', default: false },
                cluster: { type: 'boolean', default: false },
                'nats-server': { type: 'string' },
                postgres: { type: 'string' },
                help: { type: 'boolean', short: 'h', default: false }
            }
        }).values;
    } catch (error) {
        throw new UsageError(error instanceof Error ? error.message : String(error));
    }
}
