import { isWatermarkError, WatermarkErrorCode } from '../errors.js';

/**
 * Runs a task for each item, a limited number at once.
 *
 * After the first failure no further task begins; it rejects with that failure once those under way have ended, or with
 * one of a write that is in doubt, if there is one, because it must not hide behind one that has had no effect.
 */
export async function concurrently<Item>(
    items: Iterable<Item>,
    limit: number,
    run: (item: Item) => Promise<void>
): Promise<void> {
    const waiting = items[Symbol.iterator]();
    let failure: { readonly error: unknown } | undefined;
    const work = async () => {
        for (let next = waiting.next(); next.done !== true && failure === undefined; next = waiting.next()) {
            try {
                await run(next.value);
            } catch (error) {
                if (failure === undefined || isWatermarkError(error, WatermarkErrorCode.OUTCOME_UNKNOWN)) {
                    failure = { error };
                }
            }
        }
    };
    await Promise.all(Array.from({ length: limit }, work));
    if (failure !== undefined) {
        throw failure.error;
    }
}
