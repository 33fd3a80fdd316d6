import type { ResumeTokenService } from '../resume-tokens.js';
import type { WatermarkService } from '../watermark.js';
import type { BackendUnderTest, Capabilities, InstanceOptions, OpenedInstance } from './backend-under-test.js';
import { holds, present } from './expect.js';
import { RecordedLog, Recorder, within } from './recorder.js';

/** Options that a case wants its instances opened with. */
export type OwnOptions = Omit<InstanceOptions, 'instance' | 'logger'>;

/** What a case can count on. */
export interface SceneSettings {
    readonly backend: BackendUnderTest;
    readonly space: string;
    /** What the case's keys and shards begin with, so that cases on one space don't meet. */
    readonly prefix: string;
    /** Instances that other cases use too, by their number; `undefined`: this case opens its own, with these options. */
    readonly shared: ((instance: number) => Promise<OpenedInstance>) | undefined;
    readonly own: OwnOptions;
}

/** One case on stage: an instance, a part of a space that nobody else uses, and how to have more of both. */
export class Scene implements AsyncDisposable {
    readonly capabilities: Capabilities;
    /** What the case's own instances log; of shared instances, nothing. */
    readonly log: RecordedLog;
    readonly space: string;
    readonly prefix: string;
    readonly patienceMs: number;
    readonly #settings: SceneSettings;
    readonly #opened: OpenedInstance[] = [];
    #count = 0;
    #main: OpenedInstance | undefined;

    private constructor(settings: SceneSettings) {
        this.#settings = settings;
        this.capabilities = settings.backend.capabilities ?? {};
        this.patienceMs = settings.backend.patienceMs ?? 10_000;
        this.log = new RecordedLog(this.patienceMs);
        this.space = settings.space;
        this.prefix = settings.prefix;
    }

    static async open(settings: SceneSettings): Promise<Scene> {
        const scene = new Scene(settings);
        scene.#main = await scene.#next();
        return scene;
    }

    get watermarks(): WatermarkService {
        return watermarksOf(this.#main);
    }

    get resumeTokens(): ResumeTokenService {
        return resumeTokensOf(this.#main);
    }

    /** A key that no other case uses. */
    readonly key = (name = 'users'): string => this.prefix + name;

    /** A shard that no other case uses. */
    readonly shard = (name = 's'): string => this.prefix + name;

    readonly recorder = <T>(): Recorder<T> => new Recorder<T>(this.patienceMs);

    /** What a promise resolves with; fails when that takes too long, and says what was waited for. */
    readonly soon = <T>(promise: Promise<T>, what: string): Promise<T> => within(this.patienceMs, promise, () => what);

    /** The watermarks of another instance on the same space. */
    readonly otherWatermarks = async (): Promise<WatermarkService> => watermarksOf(await this.#next());

    /** The resume tokens of another instance on the same space. */
    readonly otherResumeTokens = async (): Promise<ResumeTokenService> => resumeTokensOf(await this.#next());

    /** Closes the case's instance. */
    readonly close = async (): Promise<void> => {
        holds(this.#settings.shared === undefined, 'a case closes only an instance of its own');
        await Promise.all(this.#opened.splice(0).map(instance => instance.close()));
    };

    /** Closes the case's instances, and opens the space again. */
    readonly reopen = async (): Promise<void> => {
        await this.close();
        this.#main = await this.#next();
    };

    /** Closes the case's instances, and opens the space again after something has been done to it. */
    readonly reopenAfter = async <T>(change: (space: string) => Promise<T>): Promise<T> => {
        await this.close();
        const result = await change(this.space);
        this.#main = await this.#next();
        return result;
    };

    async [Symbol.asyncDispose](): Promise<void> {
        await Promise.all(this.#opened.map(instance => instance.close()));
    }

    async #next(): Promise<OpenedInstance> {
        const instance = this.#count++;
        if (this.#settings.shared !== undefined) {
            return this.#settings.shared(instance);
        }
        const { backend, space, own } = this.#settings;
        const opened = await backend.open(space, { ...own, instance, logger: this.log.logger });
        this.#opened.push(opened);
        return opened;
    }
}

function watermarksOf(instance: OpenedInstance | undefined): WatermarkService {
    return present(instance?.watermarks, 'the WatermarkService of an open instance');
}

function resumeTokensOf(instance: OpenedInstance | undefined): ResumeTokenService {
    return present(instance?.resumeTokens, 'the ResumeTokenService of an open instance');
}
