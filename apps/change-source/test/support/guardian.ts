import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Ends what a test has started, also when the test itself is killed: a process of its own notices that the pipe between
 * the two breaks, ends the processes with all that they have started, and removes the folder.
 */
export class Guardian implements AsyncDisposable {
    /** A temporary folder, gone in the end. */
    readonly folder: string;
    readonly #process: ChildProcess;

    constructor() {
        this.folder = mkdtempSync(join(temporaryFolder(), 'zero-e2e-'));
        // PostgreSQL runs as another user when this is root's.
        chmodSync(this.folder, 0o755);
        const script = fileURLToPath(new URL('guardian-process.mjs', import.meta.url));
        this.#process = spawn(process.execPath, [script, this.folder], {
            detached: true,
            stdio: ['pipe', 'ignore', 'inherit'],
            env: {}
        });
    }

    /** From now on, this process does not outlive the test. */
    watch(child: ChildProcess): void {
        const { pid } = child;
        if (pid !== undefined) {
            this.#process.stdin?.write(`+${pid}\n`);
            child.once('exit', () => this.#process.stdin?.write(`-${pid}\n`));
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        const ended = new Promise(resolve => this.#process.once('exit', resolve));
        this.#process.stdin?.end();
        await ended;
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
