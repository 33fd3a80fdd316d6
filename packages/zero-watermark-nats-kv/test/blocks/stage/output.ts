import { format } from 'node:util';

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const;

/** What a block printed, in order, while this is in place of the console. */
export class Output implements Disposable {
    readonly calls: unknown[][] = [];
    readonly #waiting: (() => void)[] = [];
    readonly #originals = METHODS.map(method => [method, console[method]] as const);

    constructor() {
        for (const method of METHODS) {
            console[method] = (...values: unknown[]) => {
                this.calls.push(values);
                this.#waiting.splice(0).forEach(wake => wake());
            };
        }
    }

    /** Each call as a terminal shows it. */
    get lines(): string[] {
        return this.calls.map(values => format(...values));
    }

    /**
     * Resolves with the first call whose line includes `text`, which may have been made already.
     *
     * @throws {Error} after 20 seconds, with what was printed instead
     */
    async call(text: string): Promise<readonly unknown[]> {
        let late = false;
        const timer = setTimeout(() => {
            late = true;
            this.#waiting.splice(0).forEach(wake => wake());
        }, 20_000);
        try {
            return await this.#find(text, () => late);
        } finally {
            clearTimeout(timer);
        }
    }

    async #find(text: string, late: () => boolean): Promise<readonly unknown[]> {
        for (;;) {
            const found = this.lines.findIndex(line => line.includes(text));
            if (found !== -1) {
                return this.calls[found] ?? [];
            }
            if (late()) {
                throw new Error(`Nothing printed includes ${JSON.stringify(text)}; printed:\n${this.lines.join('\n')}`);
            }
            await new Promise<void>(resolve => this.#waiting.push(resolve));
        }
    }

    [Symbol.dispose](): void {
        for (const [method, original] of this.#originals) {
            console[method] = original;
        }
    }
}
