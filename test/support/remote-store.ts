import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { WatermarkLogger, WatermarkStore } from '@cbnsndwch/zero-contracts';

import { RemoteResumeTokens, RemoteWatermarks } from './remote-services.js';

/** What comes back: an answer, an event of a watch, or something that was logged. */
export type RemoteMessage =
    | { readonly ready: true }
    | { readonly store: number; readonly level: 'warn' | 'error'; readonly message: string }
    | { readonly id: number; readonly event: RemoteEvent }
    | { readonly id: number; readonly ended: true; readonly error?: RemoteError }
    | { readonly id: number; readonly value?: unknown; readonly error?: RemoteError };

/** What a watch or an iteration in the other process saw. */
export type RemoteEvent = { readonly type: string } & Record<string, unknown>;

type RemoteError = { readonly name: string; readonly message: string } & Record<string, unknown>;

/** How the events of a call come in, for calls that have some. */
export interface RemoteListener {
    readonly event: (event: RemoteEvent) => void;
    readonly ended?: (error: Error | undefined) => void;
}

/** Makes a call in the other process. */
export type RemoteCall = (
    call: string,
    args: readonly unknown[],
    listener?: RemoteListener
) => { readonly id: number; readonly answer: Promise<unknown> };

/** Another process, in which stores are opened as in this one. */
export class StoreProcess implements AsyncDisposable {
    readonly #child: ChildProcess;
    readonly #ready: Promise<unknown>;
    readonly #loggers = new Map<number, WatermarkLogger>();
    readonly #answers = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
    readonly #listeners = new Map<number, RemoteListener>();
    #next = 0;

    /** @param module what it imports `openWatermarkStore` from */
    constructor(module: string) {
        const script = fileURLToPath(new URL('store-process.mjs', import.meta.url));
        // Without the test runner's options, it imports what was built, as a user's process does.
        this.#child = fork(script, [module], { execArgv: [], serialization: 'advanced' });
        this.#ready = once(this.#child, 'message');
        this.#child.on('message', (message: RemoteMessage) => this.#take(message));
        this.#child.once('exit', code => {
            this.#answers.forEach(({ reject }) => reject(new Error(`The process ended with ${code}`)));
        });
    }

    async open(options: Readonly<Record<string, unknown>>, logger: WatermarkLogger): Promise<WatermarkStore> {
        await this.#ready;
        const store = (this.#next += 1);
        this.#loggers.set(store, logger);
        const call: RemoteCall = (name, args, listener) => this.#call(store, name, args, listener);
        await call('open', [options]).answer;
        const close = async () => {
            await call('close', []).answer;
        };
        return {
            watermarks: new RemoteWatermarks(call),
            resumeTokens: new RemoteResumeTokens(call),
            close,
            [Symbol.asyncDispose]: close
        };
    }

    async [Symbol.asyncDispose](): Promise<void> {
        if (this.#child.exitCode === null && this.#child.signalCode === null) {
            const exit = once(this.#child, 'exit');
            this.#child.disconnect();
            await exit;
        }
    }

    #call(store: number, call: string, args: readonly unknown[], listener?: RemoteListener) {
        const id = (this.#next += 1);
        if (listener !== undefined) {
            this.#listeners.set(id, listener);
        }
        const answer = new Promise<unknown>((resolve, reject) => this.#answers.set(id, { resolve, reject }));
        this.#child.send({ id, store, call, args });
        return { id, answer };
    }

    #take(message: RemoteMessage): void {
        if ('level' in message) {
            this.#loggers.get(message.store)?.[message.level](message.message);
        } else if ('event' in message) {
            this.#listeners.get(message.id)?.event(message.event);
        } else if ('ended' in message) {
            this.#listeners.get(message.id)?.ended?.(errorOf(message.error));
            this.#listeners.delete(message.id);
        } else if ('id' in message) {
            const answer = this.#answers.get(message.id);
            this.#answers.delete(message.id);
            const error = errorOf(message.error);
            if (error === undefined) {
                answer?.resolve(message.value);
            } else {
                answer?.reject(error);
            }
        }
    }
}

/** The error with all that it carried; it is told by its code, as errors of another copy of the package are. */
function errorOf(error: RemoteError | undefined): Error | undefined {
    return error === undefined ? undefined : Object.assign(new Error(error.message), error);
}
