import { type BackendUnderTest, isCapable, type OpenedInstance, type ServiceName } from './backend-under-test.js';
import type { Promised, Topic } from './promise.js';
import { Scene } from './scene.js';
import { topics } from './topics.js';

/** A promise as a test: what a test runner needs to know of it. */
export interface ConformanceCase {
    readonly service: ServiceName;
    /** What it is about: a method, or a quality. */
    readonly topic: string;
    /** The promise, in words. Unique within the topic. */
    readonly name: string;
    /** Resolves if the backend keeps the promise, and rejects with a {@link BrokenPromise} otherwise. */
    readonly run: () => Promise<void>;
}

/** A promise was not kept: the message says which, and what was seen instead. */
export class BrokenPromise extends Error {
    override readonly name = 'BrokenPromise';

    constructor({ service, topic, name }: Omit<ConformanceCase, 'run'>, error: unknown) {
        const cause = firstOf(error);
        const seen = cause instanceof Error ? cause.message : String(cause);
        super(`${service}, ${topic}: "${name}" is not kept. ${seen}`, { cause });
    }
}

/**
 * The promises of `WatermarkService` and `ResumeTokenService`, as tests of one backend.
 *
 * Cases don't touch each other: each has keys and shards, or a space, of its own. So they may run in any order and, where
 * the backend can do that, side by side.
 */
export class ConformanceSuite implements AsyncDisposable {
    /** The cases that apply to the backend. */
    readonly cases: readonly ConformanceCase[];
    /** The promises that need what the backend says that it can't do, as `topic: name`. */
    readonly leftOut: readonly string[];
    readonly #backend: BackendUnderTest;
    readonly #shared = new Map<number, Promise<OpenedInstance>>();
    readonly #id = `conformance-${randomId()}`;
    #count = 0;

    constructor(backend: BackendUnderTest) {
        const { services = ['WatermarkService', 'ResumeTokenService'] } = backend;
        this.#backend = backend;
        const all = topics
            .filter(({ service }) => services.includes(service))
            .flatMap(topic => topic.promises.map(promised => ({ topic, promised })));
        const applies = ({ needs = [] }: Promised) => needs.every(capability => isCapable(backend, capability));
        this.cases = all
            .filter(({ promised }) => applies(promised))
            .map(({ topic, promised }) => this.#caseOf(topic, promised));
        this.leftOut = all
            .filter(({ promised }) => !applies(promised))
            .map(({ topic, promised }) => `${topic.name}: ${promised.name}`);
    }

    /** Closes the instances that the cases have shared. To be called after the last one. */
    async close(): Promise<void> {
        const opened = await Promise.allSettled(this.#shared.values());
        await Promise.all(opened.flatMap(result => (result.status === 'fulfilled' ? [result.value.close()] : [])));
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }

    #caseOf({ service, name: topic }: Topic, promised: Promised): ConformanceCase {
        const { name } = promised;
        const run = async () => {
            try {
                await using scene = await this.#open(promised);
                await promised.run(scene);
            } catch (error) {
                throw new BrokenPromise({ service, topic, name }, error);
            }
        };
        return { service, topic, name, run };
    }

    #open({ own, alone = false }: Promised): Promise<Scene> {
        const number = this.#count++;
        // Without several instances on a space, each case has to be alone on one.
        const shareable = !alone && this.#backend.capabilities?.instances === true;
        return Scene.open({
            backend: this.#backend,
            space: shareable ? this.#id : `${this.#id}-${number}`,
            prefix: `c${number}.`,
            shared: shareable && own === undefined ? instance => this.#sharedInstance(instance) : undefined,
            own: own ?? {}
        });
    }

    /** Opens an instance when the first case asks for it. */
    #sharedInstance(instance: number): Promise<OpenedInstance> {
        let opening = this.#shared.get(instance);
        if (opening === undefined) {
            const logger = { warn: () => {}, error: () => {} };
            opening = this.#backend.open(this.#id, { instance, logger });
            this.#shared.set(instance, opening);
        }
        return opening;
    }
}

/** What went wrong first; what went wrong in cleaning up after that tells nothing new. */
function firstOf(error: unknown): unknown {
    return error instanceof Error && 'suppressed' in error ? firstOf(error.suppressed) : error;
}

function randomId(): string {
    return Math.random().toString(36).slice(2, 10);
}
