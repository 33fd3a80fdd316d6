import type { ResumeTokenService } from './resume-tokens.js';
import type { ExistingWatermarks } from './transfer/existing-watermarks.js';
import type { WatermarkService } from './watermark.js';

/** An open store with its services, whatever it keeps them in. */
export interface WatermarkStore extends AsyncDisposable {
    readonly watermarks: WatermarkService;
    readonly resumeTokens: ResumeTokenService;
    /**
     * Ends watches, lets calls that are under way finish (for up to five seconds; what is left then fails with `CLOSED`
     * or, for a write that was sent, `OUTCOME_UNKNOWN`), and closes what the store opened. May be called again.
     */
    close(): Promise<void>;
}

/** An open store of the existing packages, for reading. */
export interface ExistingStoreHandle extends AsyncDisposable {
    /** What was found in it. */
    readonly resumeTokens: ExistingWatermarks;
    /** Closes what was opened to read it. May be called again. */
    close(): Promise<void>;
}

/** Where a store reports what the caller can't be told: a watch callback that threw, a damaged record. */
export interface WatermarkLogger {
    /** Something a person should look into. */
    warn(message: string): void;
    /** Something that went wrong, with the error where there is one. */
    error(message: string, error?: unknown): void;
}

/** The same options with each of them possibly `undefined`, as configuration services give them. */
export type MaybeUndefined<T> = T extends unknown ? { [K in keyof T]: T[K] | undefined } : never;
