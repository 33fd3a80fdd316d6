import { setTimeout as pause } from 'node:timers/promises';

import type { WatermarkService } from '../../src/store.js';
import { eventually } from './backends.js';
import type { KeptMessage } from './administrator.js';

/** A load that leaves room for the servers on a small machine. */
const PACE_MS = 10;

/** A write that was reported as stored. */
interface Acknowledged {
    readonly key: string;
    readonly version: string;
    /** `undefined`: the call does not tell. */
    readonly revision: number | undefined;
}

interface FailedCall {
    readonly call: string;
    readonly error: unknown;
}

/** Every kind of call, again and again, one at a time each, with a record of what was promised. */
export class Workload {
    readonly acknowledged: Acknowledged[] = [];
    readonly failures: FailedCall[] = [];
    /** The longest that a call took. */
    slowest = { call: '', tookMs: 0 };
    readonly #finished = new Map<string, number>();
    readonly #loops: Promise<void>[];
    #stopping = false;

    /** `first` and `second` are two instances on one bucket. */
    constructor(first: WatermarkService, second: WatermarkService) {
        let casRevision: number | undefined;
        let highest = 0;
        this.#loops = [
            this.#repeat('set', async version => {
                await first.set('set', version);
                this.#acknowledge('set', version);
            }),
            this.#repeat('set of a hot key', async version => {
                const versions = ['a', 'b', 'c', 'd'].map(part => version + part);
                await Promise.all(versions.map(each => first.set('hot', each)));
                this.#acknowledge('hot', versions.at(-1) ?? '');
            }),
            this.#repeat('set and delete in turns', async version => {
                if (Number(version) % 2 === 1) {
                    await second.set('deleted', version);
                    this.#acknowledge('deleted', version);
                } else {
                    await second.delete('deleted');
                }
            }),
            this.#repeat('create', async version => {
                this.#acknowledge(`created.${version}`, version, await second.create(`created.${version}`, version));
            }),
            this.#repeat('compareAndSet', async version => {
                casRevision =
                    casRevision === undefined
                        ? await first.create('compared', version)
                        : await first.compareAndSet('compared', casRevision, version);
                this.#acknowledge('compared', version, casRevision);
            }),
            ...[first, second].map((instance, index) =>
                this.#repeat(`advance of instance ${index + 1}`, async () => {
                    highest += 1;
                    const version = sortable(highest);
                    const result = await instance.advance('advanced', version);
                    if (result.advanced) {
                        this.#acknowledge('advanced', version, result.revision);
                    } else if (!(result.current.version > version)) {
                        throw new Error(`${version} is said to be behind ${result.current.version}`);
                    }
                })
            ),
            this.#repeat('get', async () => {
                await second.get('set');
            }),
            this.#repeat('getAll', async () => {
                await first.getAll();
            })
        ];
    }

    /** Resolves once each loop has finished calls that it began after now, or has failed. */
    async goesOn(calls = 3): Promise<void> {
        const goals = [...this.#finished].map(([call, finished]) => [call, finished + calls + 1] as const);
        const behind = () => goals.filter(([call, goal]) => (this.#finished.get(call) ?? 0) < goal);
        try {
            await eventually('progress of every call', () => behind().length === 0, 50_000);
        } catch (error) {
            throw new Error(`No progress: ${behind().join('; ')}`, { cause: error });
        }
    }

    async stop(): Promise<void> {
        this.#stopping = true;
        await Promise.all(this.#loops);
    }

    #acknowledge(key: string, version: string, revision?: number): void {
        this.acknowledged.push({ key, version, revision });
    }

    async #repeat(call: string, run: (version: string) => Promise<void>): Promise<void> {
        this.#finished.set(call, 0);
        for (let count = 1; !this.#stopping; count += 1) {
            const startedAt = performance.now();
            try {
                await run(sortable(count));
            } catch (error) {
                this.failures.push({ call, error });
            }
            const tookMs = performance.now() - startedAt;
            this.slowest = tookMs > this.slowest.tookMs ? { call, tookMs } : this.slowest;
            this.#finished.set(call, count);
            await pause(PACE_MS);
        }
    }
}

/** A number as a string that sorts like it. */
export function sortable(count: number): string {
    return String(count).padStart(6, '0');
}

/** What is wrong with what a bucket (that forgets nothing) holds, given what was promised: lost, twice, or out of order. */
export function findBrokenPromises(kept: readonly KeptMessage[], { acknowledged }: Workload): string[] {
    const problems: string[] = [];
    const revisions = new Map<string, number[]>();
    const last = new Map<string, string>();
    for (const { key, version, revision } of kept) {
        if (version !== undefined) {
            const name = `${key} ${version}`;
            revisions.set(name, [...(revisions.get(name) ?? []), revision]);
            const before = last.get(key) ?? '';
            if (version <= before) {
                problems.push(`${key}: ${version} was stored over ${before}`);
            }
            last.set(key, version);
        }
    }
    for (const { key, version, revision } of acknowledged) {
        const found = revisions.get(`${key} ${version}`) ?? [];
        if (found.length !== 1) {
            problems.push(`${key}: ${version} was acknowledged and is there ${found.length} times`);
        } else if (revision !== undefined && revision !== found[0]) {
            problems.push(`${key}: ${version} is at ${found[0]}, not at ${revision}`);
        }
    }
    const deletions = kept.filter(({ key }) => key === 'deleted');
    for (const [index, { version }] of deletions.entries()) {
        if ((version === undefined) !== (index % 2 === 1)) {
            problems.push(`deleted: entry ${index} is ${version ?? 'a deletion'}`);
            break;
        }
    }
    return problems;
}
