import type { Board } from './board.js';
import { type QuakeEvent, REGIONS } from './feed.js';
import type { LiveView } from './screen.js';
import { renderTable } from './table.js';
import { bar, date, number, type Paint } from './text.js';

/** An earthquake of this magnitude is worth being named. */
const NOTABLE_MAGNITUDE = 5;

const OWNER_COLOURS = ['cyan', 'magenta', 'yellow', 'blue'] as const;

/** What a person sees while the demo runs: how far it is, and every watermark. */
export class View implements LiveView {
    #latest: QuakeEvent | undefined;
    #notable: QuakeEvent | undefined;

    constructor(
        private readonly board: Board,
        private readonly events: number,
        private readonly owners: readonly string[],
        private readonly paint: Paint,
        private readonly columns: () => number
    ) {}

    /** The replay has come to this event. */
    published(event: QuakeEvent): void {
        this.#latest = event;
        if (event.magnitude >= NOTABLE_MAGNITUDE && event.kind === 'new') {
            this.#notable = event;
        }
    }

    status(): string {
        return `${number(this.board.count)} of ${number(this.events)} events processed, ${number(this.#rate())}/s`;
    }

    picture(): string[] {
        return ['', ...this.#headlines(), '', ...this.table()];
    }

    table(): string[] {
        const { paint } = this;
        const style = { paint, columns: this.columns(), regions: REGIONS, colourOf: this.colourOf.bind(this) };
        return renderTable(this.board.states(performance.now()), style, Date.now());
    }

    colourOf(owner: string): (typeof OWNER_COLOURS)[number] {
        return OWNER_COLOURS[this.owners.indexOf(owner)] ?? 'blue';
    }

    #headlines(): string[] {
        const day = this.#latest === undefined ? '' : `${date(this.#latest.time)} UTC  `;
        const progress = bar(this.board.count / this.events, 14);
        return [
            `${this.paint('bold', day)}${this.paint('green', progress)}  ${this.status()}`,
            this.#notable === undefined
                ? ''
                : this.paint('dim', `M ${this.#notable.magnitude.toFixed(1)}  ${this.#notable.place}`)
        ];
    }

    #rate(): number {
        return this.board.states(performance.now()).reduce((sum, { ratePerSecond }) => sum + ratePerSecond, 0);
    }
}
