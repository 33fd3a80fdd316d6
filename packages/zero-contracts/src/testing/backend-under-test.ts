import type { ResumeTokenService } from '../resume-tokens.js';
import type { WatermarkLogger } from '../store.js';
import type { WatermarkService } from '../watermark.js';

/** How a case wants an instance opened. */
export interface InstanceOptions {
    /** Which of several instances on one space it is, counted from 0; a backend may keep them in different processes. */
    readonly instance: number;
    readonly logger: WatermarkLogger;
    /** How many resume tokens to keep below the acknowledged one; asked for only of backends with `retention`. */
    readonly retainTokens?: number;
    /** For how many milliseconds to keep them after they were acknowledged; only of backends with `retention`. */
    readonly retainMs?: number;
    /** How the upstream orders its tokens; asked for only of backends with `tokenOrder`. */
    readonly compareResumeTokens?: (a: string, b: string) => number;
}

/** An open instance: the services that the backend has, and how to close them. */
export interface OpenedInstance {
    readonly watermarks?: WatermarkService;
    readonly resumeTokens?: ResumeTokenService;
    /** Closes both services and all that belongs to them. May be called again. */
    close(): Promise<void>;
}

/**
 * In what backends really differ. Promises that need what a backend lacks are left out.
 *
 * A _space_ is data of its own: a bucket, a file, a database.
 */
export interface Capabilities {
    /** Several instances can be open on one space at once, and share what it holds. */
    readonly instances?: boolean;
    /** What a space holds is there again after all its instances were closed. */
    readonly durable?: boolean;
    /**
     * How many revisions of a key are kept at least; a deletion may count as one.
     *
     * @default 1
     */
    readonly history?: number;
    /** Removes acknowledged resume tokens, and takes `retainTokens` and `retainMs`. */
    readonly retention?: boolean;
    /** Takes `compareResumeTokens`. */
    readonly tokenOrder?: boolean;
    /** A key of more ASCII letters than this is refused. */
    readonly keyLimit?: number;
    /** Data with a text of this many ASCII letters is refused. */
    readonly dataLimit?: number;
    /** A resume token of this many ASCII letters is refused. */
    readonly tokenLimit?: number;
    /** Stores under a key what the library did not write, as somebody with another tool could. */
    readonly storeForeignRecord?: (space: string, key: string) => Promise<void>;
    /** Removes all that a space holds; no instance is open meanwhile. */
    readonly wipe?: (space: string) => Promise<void>;
    /** Copies a space; the function it gives puts the copy in its place. No instance is open meanwhile. */
    readonly backup?: (space: string) => Promise<() => Promise<void>>;
    /** `backup` and its function can also be used under instances that are open, as when servers lose what they had. */
    readonly backupWhileOpen?: boolean;
}

/** A backend as the suite sees it: how to open it, and what it can do. */
export interface BackendUnderTest {
    /** What the tests are called after. */
    readonly name: string;
    readonly capabilities?: Capabilities;
    /** Opens an instance on a space; a space that was never opened before is empty. */
    open(space: string, options: InstanceOptions): Promise<OpenedInstance>;
    /**
     * The services that there are.
     *
     * @default both
     */
    readonly services?: readonly ServiceName[];
    /**
     * How long to wait for something that must come, in milliseconds, before the promise counts as broken.
     *
     * @default 10_000
     */
    readonly patienceMs?: number;
}

/** Which service a promise is one of. */
export type ServiceName = 'WatermarkService' | 'ResumeTokenService';

/** Whether a backend has a capability; a history of a single revision is none. */
export function isCapable({ capabilities = {} }: BackendUnderTest, capability: keyof Capabilities): boolean {
    return capability === 'history' ? (capabilities.history ?? 1) > 1 : Boolean(capabilities[capability]);
}
