import type { Schema } from './schema/schema.js';

/** How the change source listens, and what it publishes. */
export interface ChangeSourceOptions {
    readonly schema: Schema;
    /** @default '127.0.0.1' */
    readonly host?: string;
    /** 0: a free one. @default 4850 */
    readonly port?: number;
    /**
     * How long nothing must have changed until zero-cache is told of a position that the upstream has reached without any
     * published change, so that it goes on from there after a restart.
     *
     * @default 30_000
     */
    readonly idleMs?: number;
}

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 4850;

/** Injection token of the {@link ChangeSourceOptions}. */
export const CHANGE_SOURCE_OPTIONS = Symbol('change-source-options');
