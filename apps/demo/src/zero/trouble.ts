import { setTimeout as wait } from 'node:timers/promises';

import type { ZeroStage } from '@cbnsndwch/zero-stage';

import type { Screen } from '../screen.js';
import { seconds } from '../text.js';
import type { Arrivals } from './arrivals.js';

/** How long a killed process stays away: long enough to be seen. */
const AWAY_MS = 1_000;

/** How long the client may be without new rows. */
const RECOVERY_MS = 50_000;

/** How long it took after a `kill -9`, in milliseconds. */
export interface Recovery {
    /** Until what was killed was replaced, or was back. */
    readonly replacedMs: number;
    /** Until a row that was written after it reached the client. */
    readonly newRowMs: number;
}

const NOT_YET: Recovery = { replacedMs: 0, newRowMs: 0 };

/** What goes wrong while rows flow, and how long it takes until it is right again. */
export class Trouble {
    changeSource = NOT_YET;
    nats = NOT_YET;
    zeroCache = NOT_YET;

    constructor(
        private readonly stage: ZeroStage,
        private readonly arrivals: Arrivals,
        private readonly screen: Screen,
        private readonly signal: AbortSignal
    ) {}

    /** Kills the change source that serves zero-cache, and starts it again when the other one has taken over. */
    async killChangeSource(): Promise<void> {
        const { stage, screen } = this;
        const { proxy, serving } = stage;
        const began = performance.now();
        const { pid } = serving;
        const before = proxy.connections.length;
        await serving.kill();
        this.#tell(`✗ kill -9 ${pid}: ${serving.name} is gone, which served zero-cache`);
        const isConnected = () => proxy.connections.length > before;
        this.changeSource = await this.#recovered(
            began,
            () => proxy.changed.until('zero-cache to connect to another change source', isConnected, RECOVERY_MS),
            took => {
                const watermark = proxy.last?.parameters.get('lastWatermark');
                return `${stage.serving.name} goes on after watermark ${watermark}, ${took} after the kill`;
            }
        );
        await this.#wait();
        await serving.start();
        screen.story(`${serving.name} (${serving.pid}) is back and stands by`);
    }

    /** Kills the NATS node that leads the rows, and starts it again. */
    async crashNode(): Promise<void> {
        const node = await this.stage.leaderOf('rows');
        const role = this.stage.nodes.length === 1 ? 'the only NATS node' : 'the NATS node that leads the rows';
        const began = performance.now();
        const { pid } = node;
        await node.kill('SIGKILL');
        this.#tell(`✗ kill -9 ${pid}: ${node.name}, ${role}, is gone`);
        this.nats = await this.#recovered(
            began,
            async () => {
                await this.#wait();
                await node.restart();
            },
            took => `${node.name} (${node.pid}) is back after ${took}`
        );
    }

    /** Kills all processes of zero-cache; its supervisor starts it again at once. */
    async killZeroCache(): Promise<void> {
        const { zeroCache } = this.stage;
        const began = performance.now();
        const { pid } = zeroCache;
        await zeroCache.kill();
        this.#tell(`✗ kill -9 ${pid}: zero-cache is gone, with all its processes`);
        this.zeroCache = await this.#recovered(
            began,
            () => zeroCache.ready(),
            took => `zero-cache (${zeroCache.pid}) is back after ${took}; its clients try again every 5 s`
        );
    }

    /** Waits until what was killed is replaced, and until a row that was written after the kill reaches the client. */
    async #recovered(
        began: number,
        replaced: () => Promise<void>,
        sentence: (took: string) => string
    ): Promise<Recovery> {
        const tellWhen = async (what: Promise<void>, text: (took: string) => string) => {
            await what;
            const ms = performance.now() - began;
            this.screen.story(text(seconds(ms)));
            return ms;
        };
        const newRow = this.arrivals.writtenAfter(performance.now(), RECOVERY_MS);
        const [replacedMs, newRowMs] = await Promise.all([
            tellWhen(replaced(), sentence),
            tellWhen(newRow, took => `new rows reach the client again, ${took} after the kill`)
        ]);
        return { replacedMs, newRowMs };
    }

    #wait(): Promise<void> {
        return wait(AWAY_MS, undefined, { signal: this.signal });
    }

    #tell(text: string): void {
        this.screen.story(this.screen.paint('red', text));
    }
}
