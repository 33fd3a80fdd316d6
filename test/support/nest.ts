import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A folder in which the built packages are installed beside one major version of Nest, as a user has them. */
export interface NestInstallation extends AsyncDisposable {
    readonly app: string;
}

/** Where each major version of Nest is installed in this repository. */
const NEST_FOLDERS = { 11: 'test/nest-11/node_modules', 12: 'node_modules' } as const;
export type NestMajor = keyof typeof NEST_FOLDERS;

/** A package with a Nest module, as it is to be installed. */
export interface PackageWithNest {
    /** Its folder in `packages`. */
    readonly name: string;
    /** What it needs beside Nest and zero-contracts. */
    readonly dependencies: readonly string[];
    /** What `nest-app.mjs` imports as `package.mjs`. */
    readonly app: URL;
}

/**
 * Installs the packages as they were built. They are copied, so that their imports are looked up in that folder, and not
 * where they come from.
 */
export async function installWithNest(
    major: NestMajor,
    { name: packageName, dependencies, app: ofPackage }: PackageWithNest
): Promise<NestInstallation> {
    const folder = await mkdtemp(join(tmpdir(), `zero-watermark-nest-${major}-`));
    const modules = join(folder, 'node_modules');
    const install = async (name: string, from: string) => {
        await mkdir(join(modules, name, '..'), { recursive: true });
        await symlink(join(root, from, name), join(modules, name));
    };
    for (const name of ['zero-contracts', packageName]) {
        for (const part of ['package.json', 'dist']) {
            await cp(join(root, 'packages', name, part), join(modules, '@cbnsndwch', name, part), { recursive: true });
        }
    }
    await Promise.all([
        ...['common', 'core', 'config'].map(name => install(`@nestjs/${name}`, NEST_FOLDERS[major])),
        ...['rxjs', 'reflect-metadata', ...dependencies].map(name => install(name, 'node_modules'))
    ]);
    const app = join(folder, 'app.mjs');
    await cp(fileURLToPath(new URL('nest-app.mjs', import.meta.url)), app);
    await cp(fileURLToPath(ofPackage), join(folder, 'package.mjs'));
    return { app, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** What went wrong in the other process. */
export interface NestFailure {
    readonly name?: string;
    readonly code?: string;
    readonly message: string;
}

type Message =
    | { readonly started: true }
    | { readonly failed: NestFailure }
    | { readonly seen: { readonly key: string; readonly version: string } }
    | { readonly id: number; readonly value?: unknown; readonly error?: NestFailure };

/** A Nest application in a process of its own; see `nest-app.mjs`. */
export class NestApp extends EventEmitter implements AsyncDisposable {
    /** What its watches saw. */
    readonly seen: { readonly key: string; readonly version: string }[] = [];
    readonly #child: ChildProcess;
    readonly #exited: Promise<unknown[]>;
    #output = '';
    #next = 0;

    private constructor(child: ChildProcess) {
        super();
        this.#child = child;
        this.#exited = once(child, 'exit');
        child.stdout?.on('data', chunk => (this.#output += String(chunk)));
        child.stderr?.on('data', chunk => (this.#output += String(chunk)));
        child.on('message', (message: Message) => {
            if ('seen' in message) {
                this.seen.push(message.seen);
            } else {
                this.emit('id' in message ? `answer-${message.id}` : 'start', message);
            }
        });
        child.once('exit', () => this.emit('start', { failed: { message: `it ended early: ${this.#output}` } }));
    }

    /** Starts it, and resolves when it is started, or with the reason why it isn't. */
    static async start(
        installation: NestInstallation,
        scenario: string,
        options: object
    ): Promise<{ readonly app: NestApp; readonly failure: NestFailure | undefined }> {
        const child = fork(installation.app, [scenario, JSON.stringify(options)], { execArgv: [], silent: true });
        const app = new NestApp(child);
        const [message] = (await once(app, 'start')) as [{ failed?: NestFailure }];
        return { app, failure: message.failed };
    }

    /** Everything that it printed. */
    get output(): string {
        return this.#output;
    }

    /** Has it do something; rejects with what it answers, or when it ends first. */
    async ask(name: string, ...args: readonly unknown[]): Promise<unknown> {
        const id = this.#next++;
        const answered = once(this, `answer-${id}`);
        this.#child.send({ id, name, args });
        const ended = this.#exited.then(() => {
            throw new Error(`The application ended before it answered ${name}: ${this.#output}`);
        });
        const [answer] = (await Promise.race([answered, ended])) as [{ value?: unknown; error?: NestFailure }];
        if (answer.error !== undefined) {
            throw Object.assign(new Error(answer.error.message), answer.error);
        }
        return answer.value;
    }

    signal(signal: NodeJS.Signals): void {
        this.#child.kill(signal);
    }

    /** Lets it end by itself, which it does once nothing is left to be done. */
    async ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
        if (this.#child.connected) {
            this.#child.disconnect();
        }
        const [code, signal] = (await this.#exited) as [number | null, NodeJS.Signals | null];
        return { code, signal };
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.#child.kill('SIGKILL');
        await this.#exited;
    }
}
