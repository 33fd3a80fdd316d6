import type { ZeroStage } from '@cbnsndwch/zero-stage';

import type { LiveView } from '../screen.js';
import { number, type Paint } from '../text.js';
import type { Arrivals } from './arrivals.js';
import { type Player, progressOf, renderPicture } from './picture.js';

/** What a person sees while rows flow: who is up, who has what, and the rows as they reach the client. */
export class View implements LiveView {
    constructor(
        private readonly stage: ZeroStage,
        private readonly arrivals: Arrivals,
        private readonly paint: Paint
    ) {}

    status(): string {
        const { upstream, client } = this.stage;
        const progress = progressOf(upstream.reported, upstream.reports.length);
        const inReplica = this.stage.glanceAtReplica(replica => number(replica.count())) ?? 'none';
        const [written, shown] = [upstream.size, client.size].map(number);
        return `${progress}; rows: ${written} in NATS KV, ${inReplica} in the replica, ${shown} at the client`;
    }

    picture(): string[] {
        const { reports, reported, writes } = this.stage.upstream;
        const state = {
            time: reports[reported - 1]?.row.time ?? 0,
            reported,
            reports: reports.length,
            writes,
            players: this.#players(),
            arrivals: this.arrivals.latest
        };
        return renderPicture(state, this.paint);
    }

    #players(): Player[] {
        const { nodes, upstream, instances, serving, zeroCache, client } = this.stage;
        const inReplica = this.stage.glanceAtReplica(replica => {
            return `${number(replica.count())} rows in its replica, watermark ${replica.stateVersion}`;
        });
        return [
            ...nodes.map(({ name, running, pid }) => ({
                name,
                pid,
                isUp: running,
                role: running ? `keeps ${number(upstream.size)} rows and the watermarks` : 'gone'
            })),
            ...instances.map(instance => ({
                name: instance.name,
                pid: instance.pid,
                isUp: instance.running,
                role: roleOf(instance, serving)
            })),
            {
                name: 'zero-cache',
                pid: zeroCache.pid,
                isUp: zeroCache.isReady,
                role: inReplica ?? 'makes its replica'
            },
            {
                name: 'client',
                isUp: client.isConnected,
                role: `${number(client.size)} rows${client.isConnected ? '' : ', waits for zero-cache'}`
            }
        ];
    }
}

function roleOf(instance: ZeroStage['serving'], serving: ZeroStage['serving']): string {
    if (!instance.running) {
        return 'gone';
    }
    return instance === serving ? 'serves zero-cache' : 'stands by';
}
