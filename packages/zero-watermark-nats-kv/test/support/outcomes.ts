import { WatermarkError, type WatermarkErrorCode } from '../../src/store.js';

/** How much longer than `timeoutMs` a call may take on a slow and busy machine; with time to spare it is under 0.1 s. */
export const MARGIN_MS = 1_500;

/** How a call ended, and how long it took. */
export interface Outcome<T> {
    readonly value?: T;
    readonly error?: unknown;
    /** The code of the error; `undefined`: it succeeded, or failed in another way. */
    readonly code: WatermarkErrorCode | undefined;
    readonly tookMs: number;
}

/** Waits for a call, whichever way it ends. */
export async function timed<T>(call: Promise<T>): Promise<Outcome<T>> {
    const startedAt = performance.now();
    try {
        const value = await call;
        return { value, code: undefined, tookMs: performance.now() - startedAt };
    } catch (error) {
        const code = error instanceof WatermarkError ? error.code : undefined;
        return { error, code, tookMs: performance.now() - startedAt };
    }
}
