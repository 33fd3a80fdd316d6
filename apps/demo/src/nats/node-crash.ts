import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamManager } from '@nats-io/jetstream';

import type { Outage } from '../backdrop.js';
import { seconds } from '../text.js';
import { BUCKET_STREAM } from './names.js';
import { leaderOf, type Servers } from './servers.js';

/** How long the node stays away: long enough to be seen. */
const NODE_AWAY_MS = 1_000;

/** The NATS node that leads the bucket is killed with SIGKILL, and started again. */
export class NodeCrash implements Outage {
    readonly name = 'NATS outage';
    readonly state = 'without the node';
    readonly #servers: Servers;
    readonly #manager: JetStreamManager;

    constructor(servers: Servers, manager: JetStreamManager) {
        this.#servers = servers;
        this.#manager = manager;
    }

    async happen(tell: (text: string, isBad: boolean) => void): Promise<number> {
        const node = await leaderOf(this.#servers, this.#manager, BUCKET_STREAM);
        const role = this.#servers.nodes.length === 1 ? 'the only NATS node' : 'the NATS node that leads the bucket';
        const began = performance.now();
        const { pid } = node;
        await node.kill('SIGKILL');
        tell(`✗ kill -9 ${pid}: ${node.name}, ${role}, is gone`, true);
        await wait(NODE_AWAY_MS);
        await node.restart();
        const downMs = performance.now() - began;
        tell(`${node.name} is back after ${seconds(downMs)}`, false);
        return downMs;
    }
}
