import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

/** One nats-server that the set-up script has put in place. */
export interface NatsBinary {
    readonly path: string;
    readonly version: string;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * The two servers that every promise is tested on: the newest, and the oldest that is supported.
 *
 * @throws {Error} when the set-up has not run, with the command that mends it.
 */
export function natsServers(): { newest: NatsBinary; oldest: NatsBinary } {
    let listed: unknown;
    try {
        listed = JSON.parse(readFileSync(resolve(root, '.cache/nats-servers.json'), 'utf8'));
    } catch (cause) {
        throw missing('.cache/nats-servers.json cannot be read', cause);
    }
    return { newest: binary(listed, 'newest'), oldest: binary(listed, 'oldest') };
}

function binary(listed: unknown, which: 'newest' | 'oldest'): NatsBinary {
    const entry: unknown = (listed as Record<string, unknown> | null)?.[which];
    const { path, version } = (entry ?? {}) as Partial<Record<string, unknown>>;
    if (typeof path !== 'string' || typeof version !== 'string') {
        throw missing(`.cache/nats-servers.json names no ${which} nats-server`);
    }
    return { path: resolve(root, path), version };
}

function missing(what: string, cause?: unknown): Error {
    return new Error(`${what}: run node scripts/setup.mjs --nats all`, { cause });
}
