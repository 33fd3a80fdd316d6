import { vi } from 'vitest';

const METHODS = ['log', 'info', 'warn', 'error', 'debug'] as const;

/** What a block printed, in order, while this is in place of the console. */
export class Output implements Disposable {
    readonly calls: unknown[][] = [];
    readonly #waiting: (() => void)[] = [];
    readonly #spies = METHODS.map(method =>
        vi.spyOn(console, method).mockImplementation((...values: unknown[]) => {
            this.calls.push(values);
            this.#waiting.splice(0).forEach(wake => wake());
        })
    );

    /** Each call as a terminal would show it. */
    get lines(): string[] {
        return this.calls.map(values => values.map(value => (typeof value === 'string' ? value : show(value))).join(' '));
    }

    /** Resolves with the first call whose line includes `text`, which may have been made already. */
    async call(text: string): Promise<readonly unknown[]> {
        for (;;) {
            const found = this.lines.findIndex(line => line.includes(text));
            if (found !== -1) {
                return this.calls[found] ?? [];
            }
            await new Promise<void>(resolve => this.#waiting.push(resolve));
        }
    }

    [Symbol.dispose](): void {
        this.#spies.forEach(spy => spy.mockRestore());
    }
}

function show(value: unknown): string {
    return JSON.stringify(value) ?? String(value);
}
