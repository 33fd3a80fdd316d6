import { type NatsCluster, type NatsServer, startNatsCluster } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { findPostgres, openZeroStage, TOKENS_BUCKET, Upstream, type ZeroStage } from '@cbnsndwch/zero-stage';

import { natsServers } from '../../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';

/** So many changes have to be written until a failure counts as survived. */
const ENOUGH_WRITES = 100;

/** All that the test is about, running. */
export class Scene implements AsyncDisposable {
    readonly stage: ZeroStage;
    readonly #nats: NatsCluster;
    readonly #end: () => Promise<void>;

    /** Starts everything; rows are there already, and more are written meanwhile. */
    static async open(): Promise<Scene> {
        const ends: (() => Promise<unknown>)[] = [];
        const defer = (step: () => Promise<unknown>) => ends.unshift(step);
        const end = async () => {
            for (const step of ends.splice(0)) {
                await step();
            }
        };
        try {
            const nats = await startNatsCluster(3, { binary: natsServers().newest.path });
            defer(() => nats.stop());
            const { nodes, urls } = nats;
            const upstream = await Upstream.open({ servers: urls, replicas: nodes.length });
            defer(() => upstream.close());
            for (let reports = 0; reports < 250; reports += 1) {
                await upstream.report();
            }
            upstream.startWriting();
            return new Scene(await openZeroStage({ nodes, upstream, postgres: findPostgres(), defer }), nats, end);
        } catch (error) {
            await end();
            throw error;
        }
    }

    private constructor(stage: ZeroStage, nats: NatsCluster, end: () => Promise<void>) {
        this.stage = stage;
        this.#nats = nats;
        this.#end = end;
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.#end();
    }

    /** kill -9 of the change source that serves zero-cache; it is started again, and zero-cache goes on at the other one. */
    async killInstance(): Promise<void> {
        const { serving } = this.stage;
        await serving.kill();
        await serving.start();
    }

    /** kill -9 of the server that leads the rows or the resume tokens. */
    async killNatsLeader(of: 'rows' | 'tokens'): Promise<NatsServer> {
        const node = await this.stage.leaderOf(of);
        await node.kill();
        return node;
    }

    /** Resolves when all servers are in touch again. */
    natsIsWhole(): Promise<void> {
        return this.#nats.waitUntilReady();
    }

    /** Stops all change sources, and starts them with another store once the watermarks are there. */
    async changeStore(
        environment: NodeJS.ProcessEnv,
        move: (servers: readonly string[]) => Promise<void>
    ): Promise<void> {
        const { instances } = this.stage;
        await Promise.all(instances.map(instance => instance.stop()));
        await move(this.#nats.urls);
        await Promise.all(instances.map(instance => instance.start(environment)));
    }

    deleteTokens(): Promise<void> {
        return this.stage.upstream.deleteBucket(TOKENS_BUCKET);
    }

    /** Resolves when changes were written, and the replica has what was written before this moment's end. */
    async replicaGoesOn(): Promise<void> {
        const { stage } = this;
        await stage.upstream.goesOn(ENOUGH_WRITES);
        await stage.replicaHas(await stage.writeMark());
    }
}
