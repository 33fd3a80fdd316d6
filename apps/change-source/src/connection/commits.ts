/** What one zero-cache has committed of what it was sent. */
export class Commits {
    #committed = '';
    #closed = false;
    #wake: (() => void) | undefined;

    /** Notes an acknowledgement. zero-cache may leave out those that a later one includes. */
    note(watermark: string): void {
        if (watermark > this.#committed) {
            this.#committed = watermark;
            this.#wake?.();
        }
    }

    /** Resolves once this watermark is committed, or when no acknowledgement can come any more. For one caller at a time. */
    async of(watermark: string): Promise<void> {
        while (!this.#closed && this.#committed < watermark) {
            await new Promise<void>(resolve => (this.#wake = resolve));
        }
    }

    close(): void {
        this.#closed = true;
        this.#wake?.();
    }
}
