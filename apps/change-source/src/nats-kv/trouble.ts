/** How often what lasts is said again. */
const REPEAT_MS = 30_000;

/** Tells of something that is tried again and again: at once when it goes wrong, and every 30 seconds while it does. */
export class Trouble {
    readonly #tell: (reason: string) => void;
    #toldAt: number | undefined;

    constructor(tell: (reason: string) => void) {
        this.#tell = tell;
    }

    note(error: unknown): void {
        const now = performance.now();
        if (this.#toldAt === undefined || now - this.#toldAt >= REPEAT_MS) {
            this.#toldAt = now;
            this.#tell(error instanceof Error ? error.message : String(error));
        }
    }

    /** What goes wrong from now on is something new. */
    over(): void {
        this.#toldAt = undefined;
    }
}
