import type { WriteStream } from 'node:tty';

import { clock, colours, fit, type Paint, plain } from './text.js';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
/** Terminals that know these show what is between them at once; the others ignore them. */
const BEGIN_FRAME = '\x1b[?2026h';
const END_FRAME = '\x1b[?2026l';

const FRAME_MS = 100;
const PLAIN_STATUS_MS = 2_000;

/** What the live part of the screen shows. */
export interface LiveView {
    /** The lines of the picture that is drawn again and again under the story. */
    picture(): readonly string[];
    /** The same in a line, for where nothing can be drawn again. */
    status(): string;
}

/** The output: a story that grows line by line and, on a terminal, a live picture under it. */
export class Screen {
    /** Whether lines can be drawn again and coloured. */
    readonly live: boolean;
    readonly paint: Paint;
    readonly #output: WriteStream;
    readonly #began = performance.now();
    #view: LiveView | undefined;
    #timer: NodeJS.Timeout | undefined;
    /** How many lines of the picture stand on the terminal, the cursor below them. */
    #drawn = 0;

    constructor(output: WriteStream, env: NodeJS.ProcessEnv) {
        this.#output = output;
        this.live = output.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
        this.paint = this.live ? colours : plain;
    }

    /** How wide a line may be. */
    get columns(): number {
        return this.live ? this.#output.columns : 120;
    }

    /** Adds a line to the story, with the time since the beginning. */
    story(text: string): void {
        this.print(`${this.paint('dim', clock(performance.now() - this.#began))}  ${text}`);
    }

    /** Adds lines above the picture. */
    print(text: string): void {
        this.#write(this.#frame(`${text}\n`));
    }

    /** Begins to show a view, until `end` is called. */
    show(view: LiveView): void {
        this.#view = view;
        if (this.live) {
            this.#write(HIDE_CURSOR);
        }
        const tick = () => (this.live ? this.#write(this.#frame('')) : this.story(view.status()));
        this.#timer = setInterval(tick, this.live ? FRAME_MS : PLAIN_STATUS_MS);
    }

    /** Ends the live part; its last picture stays when it is wanted. */
    end(options: { readonly keepPicture: boolean }): void {
        if (this.#view === undefined) {
            return;
        }
        clearInterval(this.#timer);
        if (this.live) {
            const last = options.keepPicture ? this.#frame('') : this.#erase();
            this.#write(last + SHOW_CURSOR);
        }
        this.#view = undefined;
        this.#drawn = 0;
    }

    /** One write that puts `above` over the picture and draws the picture anew. */
    #frame(above: string): string {
        if (!this.live || this.#view === undefined) {
            return above;
        }
        const { columns, rows } = this.#output;
        const picture = this.#view.picture().slice(0, Math.max(0, rows - 2));
        const lines = picture.map(line => `${fit(line, columns)}${CLEAR_LINE}\n`).join('');
        // Only a new line of the story needs the old picture erased; otherwise each line is written over itself.
        const start = above === '' ? this.#up() : this.#erase();
        this.#drawn = picture.length;
        return BEGIN_FRAME + start + above + lines + CLEAR_BELOW + END_FRAME;
    }

    #erase(): string {
        return this.#up() + CLEAR_BELOW;
    }

    #up(): string {
        return this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\r`;
    }

    #write(text: string): void {
        this.#output.write(text);
    }
}
