/**
 * Runs a task for each item, a limited number at once.
 *
 * After the first failure no further task begins; it rejects with that failure once those under way have ended.
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
                failure ??= { error };
            }
        }
    };
    await Promise.all(Array.from({ length: limit }, work));
    if (failure !== undefined) {
        throw failure.error;
    }
}
