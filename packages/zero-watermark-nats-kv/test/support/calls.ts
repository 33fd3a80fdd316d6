import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';

import {
    openExistingStore,
    type NatsKvConfig,
    type ResumeTokenService,
    WatermarkError,
    WatermarkErrorCode,
    type WatermarkService,
    type WatermarkStore
} from '../../src/store.js';
import type { RecordedLog } from './backends.js';
import { eventually } from './backends.js';

/** What an attempt has to work with. */
export interface Attempt {
    readonly store: WatermarkStore;
    readonly options: NatsKvConfig;
    readonly logger: RecordedLog;
    /** Watermarks of the shard `orders` as the administrator made them, in their order. */
    readonly given: readonly string[];
}

/** The shards that the attempts use: with tokens, empty, not there, and for an import. */
export const SHARDS = ['orders', 'fresh', 'returns'] as const;

/** Prepares what the attempts expect; the watermarks of the shard `orders`. */
export async function prepare({ watermarks, resumeTokens }: WatermarkStore): Promise<string[]> {
    for (const key of ['users', 'replaced', 'compared', 'advanced', 'deleted']) {
        await watermarks.set(key, 'v1');
    }
    await resumeTokens.provision(['orders', 'returns']);
    return resumeTokens.getOrCreateWatermarks('orders', ['position-1', 'position-2', 'position-3']);
}

async function drain(items: AsyncIterable<unknown>): Promise<unknown[]> {
    const all: unknown[] = [];
    for await (const item of items) {
        all.push(item);
    }
    return all;
}

async function* positions() {
    yield 'position-5';
}

/** An export with one watermark, or with one token of the shard `returns`. */
async function exportOf(which: 'watermarks' | 'resumeTokens'): Promise<string[]> {
    const store = openMemoryStore();
    await store.watermarks.set('imported', 'v1');
    await store.resumeTokens.getOrCreateWatermark('returns', 'position-1');
    const lines: string[] = [];
    for await (const line of store[which].exportWatermarks()) {
        lines.push(line);
    }
    await store.close();
    return lines;
}

type Reading = (service: WatermarkService) => Promise<unknown>;

/** The ways to read watermarks. */
export const reads = {
    get: service => service.get('users'),
    getMany: service => service.getMany(['users', 'orders']),
    getAll: service => service.getAll(),
    history: service => service.history('users'),
    watch: async service => {
        const seen: string[] = [];
        const stop = await service.watch('users', watermark => seen.push(watermark.key), { includeCurrent: true });
        await eventually('the watch tells what is there', () => seen.length > 0);
        stop();
    },
    view: async service => {
        await using view = service.view();
        await view.ready;
        return view.get('users');
    },
    watchAll: async service => {
        for await (const event of service.watchAll({ includeCurrent: true })) {
            if (event.type === 'current-complete') {
                return;
            }
        }
    },
    exportWatermarks: service => drain(service.exportWatermarks())
} satisfies Readonly<Record<string, Reading>>;

const ofWatermarks: Readonly<Record<string, Reading>> = {
    ...reads,
    set: service => service.set('replaced', 'v2'),
    create: service => service.create('new', 'v1'),
    compareAndSet: async service =>
        service.compareAndSet('compared', (await service.get('compared'))?.revision ?? 0, 'v2'),
    advance: service => service.advance('advanced', 'v2'),
    delete: service => service.delete('deleted'),
    importWatermarks: async service => service.importWatermarks(await exportOf('watermarks')),
    clear: service => service.clear()
};

type Using = (service: ResumeTokenService, attempt: Attempt) => Promise<unknown>;

const ofResumeTokens: Readonly<Record<string, Using>> = {
    head: service => service.head('orders'),
    getResumeToken: (service, { given }) => service.getResumeToken('orders', given[0] ?? ''),
    'exportWatermarks of named shards': service => drain(service.exportWatermarks({ shardIds: ['orders'] })),
    'resume that goes on': async (service, { given }) => {
        const point = await service.resume('orders', given[1]);
        return point.kind === 'resume' ? point : Promise.reject(new Error(`It says ${point.kind}.`));
    },
    getOrCreateWatermark: service => service.getOrCreateWatermark('orders', 'position-4'),
    getOrCreateWatermarks: service => service.getOrCreateWatermarks('orders', ['position-6', 'position-7']),
    assignWatermarks: service =>
        drain(service.assignWatermarks('orders', positions(), { resumeTokenOf: token => token })),
    beginSync: service => service.beginSync('orders', 'position-8'),
    acknowledge: async (service, { given, logger }) => {
        await service.acknowledge('orders', given[1] ?? '');
        const refusal = () =>
            logger.warnings.find(warning => warning.includes('old resume tokens could not be removed'));
        let removed = false;
        await eventually('it is done, or refused', () => {
            void service.getResumeToken('orders', given[0] ?? '').then(token => (removed = token === undefined));
            return removed || refusal() !== undefined;
        });
        if (!removed) {
            throw new WatermarkError(WatermarkErrorCode.PERMISSION_DENIED, refusal() ?? '');
        }
    },
    'resume that demands a reset': async (service, { given }) => {
        const forged = `${given[2]?.slice(0, -1)}${given[2]?.endsWith('0') === true ? '1' : '0'}`;
        const point = await service.resume('orders', forged);
        return point.kind === 'reset-required' ? point : Promise.reject(new Error(`It says ${point.kind}.`));
    },
    importWatermarks: async service => service.importWatermarks(await exportOf('resumeTokens')),
    abandon: service => service.abandon('orders'),
    'provision of a new shard': service => service.provision(['fresh']),
    'exportWatermarks of all shards': service => drain(service.exportWatermarks()),
    clear: service => service.clear()
};

/** Every call that there is, by its name in docs/security.md, in an order in which none spoils a later one. */
export const everyCall: ReadonlyMap<string, (attempt: Attempt) => Promise<unknown>> = new Map([
    [
        'openExistingStore on the same bucket',
        async ({ options }) => (await openExistingStore(options, { shardIds: ['orders'] })).close()
    ],
    ...Object.entries(ofResumeTokens).map(
        ([name, call]) =>
            [`resumeTokens.${name}`, (attempt: Attempt) => call(attempt.store.resumeTokens, attempt)] as const
    ),
    ...Object.entries(ofWatermarks).map(
        ([name, call]) => [`watermarks.${name}`, ({ store }: Attempt) => call(store.watermarks)] as const
    )
]);
