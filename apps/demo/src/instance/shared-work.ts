import { setTimeout as wait } from 'node:timers/promises';
import {
    isWatermarkError,
    versionFromLexi,
    versionToLexi,
    type Watermark,
    WatermarkService
} from '@cbnsndwch/zero-contracts';
import {
    type BeforeApplicationShutdown,
    Inject,
    Injectable,
    Logger,
    type OnApplicationBootstrap
} from '@nestjs/common';

import { keyOf, type Progress, progressOf } from '../layout.js';
import { Ledger } from '../ledger.js';
import { INSTANCE_CONFIG, type InstanceConfig } from './config.js';
import { EventStream } from './event-stream.js';
import { NetworkWorker, type Position } from './network-worker.js';
import { Silence } from './silence.js';

/** How often an instance looks at all watermarks. */
const ROUND_MS = 400;

/** An owner writes several times in so many rounds, if it is alive. */
const ROUNDS_UNTIL_TAKEN_OVER = 4;

/** How long a network that was never begun is left to the instance that prefers it. */
const ROUNDS_UNTIL_BEGUN_BY_OTHERS = 25;

/**
 * Shares the networks with the other instances; nobody is in charge.
 *
 * Whoever writes a network's watermark owns it. A watermark that nobody wrote for a few rounds is claimed by replacing it
 * at the revision that was seen all that time: one instance succeeds, and only if the owner has really written nothing
 * since. So a slow owner that is wrongly given up keeps its network or loses it, but never shares it.
 */
@Injectable()
export class SharedWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
    readonly #config: InstanceConfig;
    readonly #watermarks: WatermarkService;
    readonly #events: EventStream;
    readonly #ledger: Ledger;
    readonly #logger = new Logger(SharedWork.name);
    readonly #silence = new Silence();
    readonly #workers = new Map<string, { readonly worker: NetworkWorker; readonly done: Promise<void> }>();
    #rounds: Promise<void> = Promise.resolve();
    #stopping = false;

    constructor(@Inject(INSTANCE_CONFIG) config: InstanceConfig, watermarks: WatermarkService, events: EventStream) {
        this.#config = config;
        this.#watermarks = watermarks;
        this.#events = events;
        this.#ledger = new Ledger(config.directory, config.name);
    }

    onApplicationBootstrap(): void {
        this.#rounds = this.#runRounds();
    }

    async beforeApplicationShutdown(): Promise<void> {
        this.#stopping = true;
        await this.#rounds;
        const workers = [...this.#workers.values()];
        workers.forEach(({ worker }) => worker.stop());
        await Promise.all(workers.map(({ done }) => done));
        this.#ledger.close();
    }

    async #runRounds(): Promise<void> {
        while (!this.#stopping) {
            try {
                await this.#round();
            } catch (error) {
                this.#logger.warn(`A round ended early: ${error instanceof Error ? error.message : String(error)}`);
            }
            await wait(ROUND_MS);
        }
    }

    async #round(): Promise<void> {
        const { networks, preferred } = this.#config;
        const found = await this.#watermarks.getMany(networks.map(keyOf));
        let hasTakenOver = false;
        for (const network of networks) {
            const current = found.get(keyOf(network));
            if (this.#workers.has(network) || this.#stopping) {
                continue;
            }
            const rounds = this.#silence.observe(network, current?.revision);
            const patience = current ? ROUNDS_UNTIL_TAKEN_OVER : ROUNDS_UNTIL_BEGUN_BY_OTHERS;
            if (current === undefined && preferred.includes(network)) {
                await this.#claim(network, current);
            } else if (rounds >= patience && !hasTakenOver) {
                // One a round, so that all who are alive get their share of what a dead instance leaves.
                hasTakenOver = await this.#claim(network, current);
            }
        }
    }

    /** Tries to become the owner of a network, and works on it if that succeeds. */
    async #claim(network: string, current: Watermark | undefined): Promise<boolean> {
        const before = current === undefined ? { count: 0, lastId: '', term: 0 } : progressOf(current);
        const version = current?.version ?? versionToLexi(0);
        const progress: Progress = { ...before, owner: this.#config.name, term: before.term + 1 };
        const key = keyOf(network);
        try {
            const revision =
                current === undefined
                    ? await this.#watermarks.create(key, version, { ...progress })
                    : await this.#watermarks.compareAndSet(key, current.revision, version, { ...progress });
            this.#work(network, { sequence: Number(versionFromLexi(version)), revision, progress });
            return true;
        } catch (error) {
            if (!isWatermarkError(error)) {
                throw error;
            }
            // Another instance was faster, or the owner is alive; what is in doubt shows in the next rounds.
            this.#logger.debug(`${network} was not claimed: ${error.message}`);
            return false;
        }
    }

    #work(network: string, start: Position): void {
        const worker = new NetworkWorker(network, start, this.#watermarks, this.#ledger);
        const done = worker.run(this.#events).then(
            () => this.#logger.debug(`The work on ${network} has ended.`),
            (error: unknown) => this.#logger.error(`The work on ${network} has failed.`, error)
        );
        this.#silence.forget(network);
        this.#workers.set(network, { worker, done: done.finally(() => this.#workers.delete(network)) });
    }
}
