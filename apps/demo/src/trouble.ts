import type { Board, OwnerChange } from './board.js';
import type { Screen } from './screen.js';
import type { Stage } from './stage.js';
import { list, seconds } from './text.js';
import type { View } from './view.js';

/** What goes wrong in the demo, and how long it takes until it is right again. */
export class Trouble {
    /** How long after the kill each network of the killed instance had a new owner, in milliseconds. */
    readonly takeoversMs: number[] = [];
    /** How long the store was broken. */
    outageMs = 0;
    /** The longest time without a watermark write. */
    silenceMs = 0;
    #killed: { readonly name: string; readonly at: number } | undefined;

    constructor(
        private readonly stage: Stage,
        private readonly board: Board,
        private readonly view: View,
        private readonly screen: Screen
    ) {
        board.on('owner', change => this.#ownerChanged(change));
    }

    /** Kills an instance with SIGKILL, with whatever it has in hand. */
    async killInstance(name: string): Promise<void> {
        const { fleet } = this.stage;
        const networks = list(this.board.ownedBy(name));
        const pid = fleet.pidOf(name);
        this.#killed = { name, at: performance.now() };
        await fleet.kill(name);
        this.#tell(`✗ kill -9 ${pid}: ${name} is gone, at work on ${networks}`);
    }

    /** Lets the store break, and waits until it is mended. */
    async breakStore(): Promise<void> {
        this.board.on('resumed', silenceMs => this.#resumed(silenceMs));
        const { outage } = this.stage.backdrop;
        this.outageMs = await outage.happen((text, isBad) => (isBad ? this.#tell(text) : this.screen.story(text)));
    }

    #ownerChanged({ network, from, to, version }: OwnerChange): void {
        if (from === undefined) {
            return;
        }
        const owner = this.screen.paint(this.view.colourOf(to), to);
        if (from !== this.#killed?.name) {
            this.screen.story(`${owner} took over ${network} from ${from}, which had written nothing for a while`);
            return;
        }
        const ms = performance.now() - this.#killed.at;
        this.takeoversMs.push(ms);
        this.screen.story(`${owner} took over ${network} at watermark ${version}, ${seconds(ms)} after the kill`);
    }

    #resumed(silenceMs: number): void {
        this.silenceMs = Math.max(this.silenceMs, silenceMs);
        this.screen.story(`watermarks are written again, after ${seconds(silenceMs)} without`);
    }

    #tell(text: string): void {
        this.screen.story(this.screen.paint('red', text));
    }
}
