import type { WatermarkLogger } from '@cbnsndwch/zero-contracts';

/** What was logged, for tests that expect it. */
export interface RecordedLog extends WatermarkLogger {
    readonly warnings: string[];
    readonly errors: { readonly message: string; readonly error: unknown }[];
}

export function recordLog(): RecordedLog {
    const warnings: string[] = [];
    const errors: { message: string; error: unknown }[] = [];
    return {
        warnings,
        errors,
        warn: message => warnings.push(message),
        error: (message, error) => errors.push({ message, error })
    };
}

/** The error with which a call is rejected; fails the test if it is not. */
export async function rejectionOf(call: Promise<unknown>): Promise<Error> {
    const outcome = await call.then(
        value => ({ value }),
        (error: unknown) => ({ error })
    );
    if ('error' in outcome && outcome.error instanceof Error) {
        return outcome.error;
    }
    throw new Error(`Expected a rejection with an Error, got ${JSON.stringify(outcome)}`);
}

/** Resolves as soon as `condition` holds, looking each 5 ms; rejects after `timeoutMs`, saying what was awaited. */
export async function eventually(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!condition()) {
        if (performance.now() > until) {
            throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
        }
        await new Promise(resolve => setTimeout(resolve, 5));
    }
}
