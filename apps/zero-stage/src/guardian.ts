import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** As it is built, because Node can't run the source. */
const PROGRAM = fileURLToPath(new URL('../dist/guardian-process.js', import.meta.url));

/**
 * Ends what was started, also when this process itself is killed: a process of its own notices that the pipe between the
 * two breaks, ends the processes with all that they have started, and removes the folder.
 */
export class Guardian implements AsyncDisposable {
    /** A temporary folder, gone in the end. */
    readonly folder: string;
    /** When it aborts, nothing more is to be started or awaited. */
    readonly signal: AbortSignal | undefined;
    readonly #process: ChildProcess;
    readonly #ended: Promise<unknown>;

    constructor(signal?: AbortSignal) {
        this.signal = signal;
        this.folder = mkdtempSync(join(temporaryFolder(), 'zero-stage-'));
        // PostgreSQL runs as another user when this is root's.
        chmodSync(this.folder, 0o755);
        this.#process = spawn(process.execPath, [PROGRAM, this.folder], {
            detached: true,
            stdio: ['pipe', 'ignore', 'inherit'],
            env: {}
        });
        this.#ended = new Promise(resolve => this.#process.once('exit', resolve));
        // When it has ended too early, writing to it fails; nothing is to break on top of that.
        this.#process.stdin?.on('error', () => {});
    }

    /** From now on, this process does not outlive this one. */
    watch(child: ChildProcess): void {
        const { pid } = child;
        if (pid !== undefined) {
            this.#process.stdin?.write(`+${pid}\n`);
            child.once('exit', () => this.#process.stdin?.write(`-${pid}\n`));
        }
    }

    /**
     * Runs a program to its end; asks it to end when the signal aborts.
     *
     * @throws {Error} when it fails, with what it said on stderr; or the reason of the abort
     */
    async run(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<void> {
        this.signal?.throwIfAborted();
        const child = spawn(program, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
        this.watch(child);
        const end = () => void child.kill();
        this.signal?.addEventListener('abort', end);
        const said = text(child.stderr);
        const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
        this.signal?.removeEventListener('abort', end);
        this.signal?.throwIfAborted();
        if (code !== 0) {
            throw new Error(`${basename(program)} ended with ${signal ?? `code ${code}`}:\n${(await said).trim()}`);
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.#process.stdin?.end();
        await this.#ended;
        rmSync(this.folder, { recursive: true, force: true });
    }
}

/** Where temporary files go; for root, where other users get to as well, because PostgreSQL refuses to run as root. */
function temporaryFolder(): string {
    const usual = tmpdir();
    return process.getuid?.() === 0 ? ([usual, '/tmp', '/var/tmp'].find(isReachableByAll) ?? usual) : usual;
}

/** Whether everybody may pass through the folder and all those above it. */
function isReachableByAll(folder: string): boolean {
    const path = realpathSync(folder);
    const open = (statSync(path).mode & 0o001) !== 0;
    return open && (dirname(path) === path || isReachableByAll(dirname(path)));
}
