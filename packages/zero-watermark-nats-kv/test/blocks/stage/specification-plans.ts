import assert from 'node:assert/strict';

import type { Watermark } from '@cbnsndwch/zero-watermark-nats-kv';

import { runInVitest } from './nested-vitest.js';
import { bootDeclared, classOf, expectToStart, type Plan, provide } from './plan.js';
import type { Scene } from './scene.js';

/**
 * What is done with each TypeScript block of the specification, by the heading that it stands under.
 *
 * Every block compiles as it stands and every block runs; when one runs, only the server's address, the bucket's name
 * and the path of the credentials file are others.
 */
export const specificationPlans: Readonly<Record<string, Plan>> = {
    '1. Module Setup': {
        run: async scene => {
            const type = classOf(await scene.run(), 'AppModule');
            await expectToStart(await scene.boot({ imports: [type] }));
        }
    },
    '2. Use in Your Service': {
        suffix: `export interface ChangeSourceService {
            getChangesAfter(watermark: import('@cbnsndwch/zero-watermark-nats-kv').Watermark | null): Promise<{ lastVersion: string }>;
        }\n`,
        run: async scene => {
            const service = await provide<ChangeSourceService>(scene, 'ChangeSourceService', prototype => {
                prototype.getChangesAfter = async after => ({ lastVersion: `${after?.version ?? 'nothing'}+` });
            });
            await service.processChanges();
            await service.processChanges();
            assert.equal((await scene.watermarks.get('users'))?.version, 'nothing++');
        }
    },
    '`get(key: string): Promise<Watermark | null>`': {
        run: async scene => {
            await scene.watermarks.set('users', 'v7');
            await scene.run();
            const timestamp = (await scene.watermarks.get('users'))?.timestamp;
            assert.deepEqual(scene.output.lines, ['Last version: v7', `Timestamp: ${timestamp}`]);
        }
    },
    '`set(key: string, version: string, data?: Record<string, unknown>): Promise<void>`': {
        run: async scene => {
            await scene.run();
            const watermark = await scene.watermarks.get('users');
            assert.equal(watermark?.version, '00000000001704067200000');
            assert.deepEqual(watermark.data, { lastId: 'user-123', count: 42 });
        }
    },
    '`delete(key: string): Promise<void>`': {
        run: async scene => {
            await scene.watermarks.set('users', 'v1');
            await scene.run();
            assert.equal(await scene.watermarks.get('users'), null);
        }
    },
    '`getAll(): Promise<Map<string, Watermark>>`': {
        run: async scene => {
            await scene.watermarks.set('users', 'v1');
            await scene.watermarks.set('orders', 'v2');
            await scene.run();
            assert.deepEqual(scene.output.lines.toSorted(), ['orders: v2', 'users: v1']);
        }
    },
    '`watch(key: string, callback: (watermark: Watermark) => void): Promise<() => void>`': { run: seeUpdate },
    Types: {
        suffix: `
            declare const ours: import('@cbnsndwch/zero-watermark-nats-kv').Watermark;
            export const watermark: Watermark = ours;
            declare const theirs: NatsKvConfig;
            export const config: import('@cbnsndwch/zero-watermark-nats-kv').NatsKvConfig = theirs;
        `,
        run: { notRun: 'types leave no code; the declarations after the block hold them against the package' }
    },
    'Basic Configuration': { run: bootDeclared },
    'Production Configuration': { server: 'credentials', run: bootDeclared },
    'Async Configuration': { run: bootDeclared },
    'Username/Password': { server: 'password', run: bootDeclared },
    'Token Authentication': { server: 'token', run: bootDeclared },
    'NATS 2.0 Credentials': { server: 'credentials', run: bootDeclared },
    'Multi-Instance Coordination': {
        lenient: {
            flags: { strictNullChecks: false, exactOptionalPropertyTypes: false },
            error: 'TS18047',
            because: 'it reads `watermark.version` of a result that may be null'
        },
        run: async scene => {
            await scene.run();
            assert.deepEqual(scene.output.lines, ['v1']);
            assert.equal((await scene.watermarks.get('users'))?.version, 'v1');
        }
    },
    'Optimistic Locking': {
        suffix: `export interface CoordinatedProcessor {
            processChanges(after: import('@cbnsndwch/zero-watermark-nats-kv').Watermark | null): Promise<string>;
        }\n`,
        run: async scene => {
            const processor = await provide<CoordinatedProcessor>(scene, 'CoordinatedProcessor', prototype => {
                prototype.processChanges = async after => `${after?.version ?? 'nothing'}+`;
            });
            await processor.processWithLocking('orders');
            await processor.processWithLocking('orders');
            assert.equal((await scene.watermarks.get('orders'))?.version, 'nothing++');
        }
    },
    'Real-time Watermark Watching': {
        run: async scene => {
            await provide(scene, 'WatermarkMonitor');
            await scene.watermarks.set('users', 'v5');
            const call = await scene.output.call('Watermark changed by another instance:');
            assert.deepEqual(call[1], await scene.watermarks.get('users'));
        }
    },
    'Health Monitoring': {
        lenient: {
            flags: { useUnknownInCatchVariables: false },
            error: 'TS18046',
            because: 'it reads `error.message` of a caught value, which is unknown'
        },
        run: checkHealth
    },
    'Connection Issues': {
        suffix: 'export { nc };\n',
        run: async scene => {
            const { nc } = (await scene.run()) as { nc: { getServer(): string; close(): Promise<void> } };
            scene.closeLater(nc);
            assert.equal(`nats://${nc.getServer()}`, scene.url);
        }
    },
    'Watermark Not Found': {
        suffix: 'export { startFrom };\n',
        run: async scene => assert.equal((await scene.run())['startFrom'], '0')
    },
    Testing: {
        run: async scene =>
            assert.deepEqual(await runInVitest(scene), ['WatermarkService should store and retrieve watermarks'])
    }
};

interface ChangeSourceService {
    getChangesAfter(after: Watermark | null): Promise<{ lastVersion: string }>;
    processChanges(): Promise<void>;
}

interface CoordinatedProcessor {
    processChanges(after: Watermark | null): Promise<string>;
    processWithLocking(collection: string): Promise<void>;
}

interface HealthController {
    checkWatermarks(): Promise<{ status: string; watermarks?: unknown[]; error?: string }>;
}

/** The block stops watching as soon as it watches, so the other instance writes in between. */
async function seeUpdate(scene: Scene): Promise<void> {
    const { service } = scene;
    scene.give('watermarkService', {
        watch: async (...args: Parameters<typeof service.watch>) => {
            const unwatch = await service.watch(...args);
            await scene.watermarks.set('users', 'v2');
            await scene.output.call('Watermark updated: v2');
            return unwatch;
        }
    });
    await scene.run();
    let onUpdate = () => {};
    const seen = new Promise<void>(resolve => (onUpdate = resolve));
    await service.watch('users', onUpdate);
    await scene.watermarks.set('users', 'v3');
    await seen;
    assert.deepEqual(scene.output.lines, ['Watermark updated: v2']);
}

async function checkHealth(scene: Scene): Promise<void> {
    const type = classOf<HealthController>(await scene.run(), 'HealthController');
    const app = await scene.boot({ imports: [scene.storeModule()], controllers: [type] });
    const controller = app.get(type);
    await scene.watermarks.set('users', 'v1', { count: 3 });
    const watermark = await scene.watermarks.get('users');
    const healthy = { status: 'healthy', watermarkCount: 1, watermarks: [['users', watermark]] };
    assert.deepEqual(await controller.checkWatermarks(), healthy);
    await app.close();
    const unhealthy = await controller.checkWatermarks();
    assert.equal(unhealthy.status, 'unhealthy');
    assert.match(unhealthy.error ?? '', /closed/);
}
