import { setTimeout as wait } from 'node:timers/promises';

import type { Board, OwnerChange } from './board.js';
import { BUCKET_STREAM } from './layout.js';
import type { Screen } from './screen.js';
import { leaderOf } from './servers.js';
import type { Stage } from './stage.js';
import { list, seconds } from './text.js';
import type { View } from './view.js';

/** How long the node stays away: long enough to be seen. */
const NODE_AWAY_MS = 1_000;

/** What goes wrong in the demo, and how long it takes until it is right again. */
export class Trouble {
    /** How long after the kill each network of the killed instance had a new owner, in milliseconds. */
    readonly takeoversMs: number[] = [];
    /** How long the NATS node was gone. */
    nodeDownMs = 0;
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

    /** Kills the NATS node that leads the bucket with SIGKILL, and starts it again. */
    async crashNode(): Promise<void> {
        const { servers, manager } = this.stage;
        const node = await leaderOf(servers, manager, BUCKET_STREAM);
        const role = servers.nodes.length === 1 ? 'the only NATS node' : 'the NATS node that leads the bucket';
        const began = performance.now();
        const { pid } = node;
        await node.kill('SIGKILL');
        this.board.on('resumed', silenceMs => this.#resumed(silenceMs));
        this.#tell(`✗ kill -9 ${pid}: ${node.name}, ${role}, is gone`);
        await wait(NODE_AWAY_MS);
        await node.restart();
        this.nodeDownMs = performance.now() - began;
        this.screen.story(`${node.name} is back after ${seconds(this.nodeDownMs)}`);
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
