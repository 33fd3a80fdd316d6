import { parseArgs } from 'node:util';

const STORES = ['nats', 'sqlite'] as const;

/** What the demo was asked to do. */
export interface DemoOptions {
    /** Where watermarks are kept. */
    readonly store: (typeof STORES)[number];
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

Replays a week of earthquakes into a stream. Three change-source processes share the work and keep their watermarks in
NATS KV. On the way one of them and a NATS node are killed with kill -9. In the end everything that was processed is
compared with what there was to process. Takes about 20 seconds.

  --store sqlite        keep the watermarks in an SQLite file that the processes share, and the stream in another, without
                        any server; in place of a NATS node, a process is killed that has locked the file
  --zero                replay them as rows instead, which two change sources pass on to the real zero-cache and a client
                        of it; a change source, a NATS node and zero-cache are killed with kill -9, and in the end every
                        row is compared (takes about a minute and needs PostgreSQL's initdb, postgres and psql)
  --cluster             run on three NATS nodes, with three replicas of everything
  --nats-server <path>  use this nats-server (2.10 or newer)
  --postgres <folder>   use the initdb, postgres and psql of this folder; goes with --zero
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
    const store = STORES.find(name => name === values.store);
    if (store === undefined) {
        throw new UsageError(`Option '--store' is ${JSON.stringify(values.store)}; expected nats or sqlite.`);
    }
    const needsNats = Object.entries({ zero, cluster, 'nats-server': natsServer !== undefined }).find(([, is]) => is);
    if (store === 'sqlite' && needsNats !== undefined) {
        throw new UsageError(`Option '--${needsNats[0]}' needs NATS, and with '--store sqlite' there is none.`);
    }
    if (postgres !== undefined && !zero) {
        throw new UsageError("Option '--postgres' goes with '--zero': only zero-cache needs PostgreSQL.");
    }
    for (const [name, value] of Object.entries({ 'nats-server': natsServer, postgres })) {
        if (value === '') {
            throw new UsageError(`Option '--${name}' is empty: leave it out, or give it a path.`);
        }
    }
    return { store, zero, cluster, natsServer, postgres };
}

function parse(args: readonly string[]) {
    try {
        return parseArgs({
            args: [...args],
            options: {
                store: { type: 'string', default: 'nats' },
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
