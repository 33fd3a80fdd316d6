import { Cleanup } from './cleanup.js';
import type { Screen } from './screen.js';

/** What a demo has to do with while it plays. */
export interface Run {
    /** Undoes what was done, however the demo ends. */
    readonly cleanup: Cleanup;
    /** Aborts when the demo is to end early, with the reason. */
    readonly signal: AbortSignal;
    /** Ends the demo because something went wrong. */
    fail(this: void, error: unknown): void;
    /** Ends the demo if it plays longer than this from now on. */
    limit(this: void, ms: number, error: () => Error): void;
}

/**
 * Plays a demo, and undoes what it has done, whatever became of it.
 *
 * @param interrupt ends it early; nothing is left behind then either
 * @returns what the demo returns: whether nothing was lost
 */
export async function run(
    screen: Screen,
    interrupt: AbortSignal,
    play: (run: Run) => Promise<boolean>
): Promise<boolean> {
    const cleanup = new Cleanup();
    const failed = new AbortController();
    const signal = AbortSignal.any([interrupt, failed.signal]);
    const fail = (error: unknown) => failed.abort(error);
    const limit = (ms: number, error: () => Error) => {
        const timer = setTimeout(() => fail(error()), ms);
        cleanup.defer(() => clearTimeout(timer));
    };
    try {
        return await play({ cleanup, signal, fail, limit });
    } catch (error) {
        throw signal.aborted ? signal.reason : error;
    } finally {
        screen.end({ keepPicture: false });
        await cleanup.run();
    }
}
