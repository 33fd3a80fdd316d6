/** Remembers what has to be undone, and undoes it in reverse order, each step whatever became of the others. */
export class Cleanup {
    readonly #steps: (() => Promise<unknown> | void)[] = [];

    defer(step: () => Promise<unknown> | void): void {
        this.#steps.push(step);
    }

    /** @throws {AggregateError} after all steps were tried, if any of them failed */
    async run(): Promise<void> {
        const failures: unknown[] = [];
        for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
            try {
                await step();
            } catch (error) {
                failures.push(error);
            }
        }
        if (failures.length > 0) {
            throw new AggregateError(failures, `Cleaning up failed: ${failures.map(String).join('; ')}`);
        }
    }
}
