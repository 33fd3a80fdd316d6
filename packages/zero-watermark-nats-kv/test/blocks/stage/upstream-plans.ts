import assert from 'node:assert/strict';

import { classOf, type Plan } from './plan.js';
import { runScript } from './run-block.js';
import type { Scene } from './scene.js';

/** The upstream that docs/zero.md shows, as far as it is called here. */
interface Upstream {
    snapshot(signal: AbortSignal): Promise<{ readonly position: string }>;
}

/** How the upstream of docs/zero.md takes the answers of its service. */
export const upstreamPlans: Readonly<Record<string, Plan>> = {
    'docs/zero.md # 3. Any other upstream: one class': {
        async run(scene, block) {
            await runScript(block, scene);
            await takesAnswers(scene);
        }
    }
};

async function takesAnswers(scene: Scene): Promise<void> {
    const upstream = new (classOf<Upstream>(await scene.run(), 'ArticlesSource'))();
    const fetchAsItIs = globalThis.fetch;
    const positionWhen = async (status: number, body: unknown) => {
        globalThis.fetch = () => Promise.resolve(Response.json(body, { status }));
        const { position } = await upstream.snapshot(new AbortController().signal);
        return position;
    };
    try {
        assert.equal(await positionWhen(200, { number: 7 }), '7');
        await assert.rejects(positionWhen(410, {}), { name: 'PositionLostError' });
        await assert.rejects(positionWhen(500, { error: 'busy' }), /500/);
    } finally {
        globalThis.fetch = fetchAsItIs;
    }
}
