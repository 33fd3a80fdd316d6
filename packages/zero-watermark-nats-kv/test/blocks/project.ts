import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './documents.js';
import { PRELUDE } from './prelude.js';

/** Compiler options that a block is compiled with beside the strict ones. */
export type Flags = Readonly<Record<string, boolean>>;

export interface CompileUnit {
    readonly code: string;
    /** What stands after the block in the same file: declarations that its text only speaks of. */
    readonly suffix?: string;
    readonly flags?: Flags;
    /** Where it is, as a path below `src` without its ending; with it, others can import it. */
    readonly path?: string | undefined;
}

/** What a user's project has: strict, with the decorators and metadata that Nest needs. */
const USER_OPTIONS = {
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: ['node', 'vitest/globals'],
    strict: true,
    exactOptionalPropertyTypes: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    rootDir: 'src',
    outDir: 'out',
    noEmitOnError: false
};

/**
 * A project of a user of the package in a temporary folder: it sees the packages through `node_modules`, built.
 *
 * Units with the same flags are compiled together; what tsc says is told apart by file.
 */
export class BlockProject implements Disposable {
    readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'zero-blocks-')));
    readonly #files = new Map<CompileUnit, { readonly group: string; readonly name: string }>();
    readonly #groups = new Map<string, Flags>();
    readonly #problems = new Map<string, string[]>();

    constructor() {
        symlinkSync(resolve(root, 'node_modules'), join(this.#folder, 'node_modules'));
        writeFileSync(join(this.#folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
        const strict = this.#groupOf({});
        for (const part of ['blocks/stage', 'support/certificates.ts']) {
            const from = fileURLToPath(new URL(`../${part}`, import.meta.url));
            cpSync(from, join(this.#folder, strict, 'src', part), { recursive: true });
        }
    }

    add(unit: CompileUnit): void {
        const group = this.#groupOf(unit.flags ?? {});
        const name = unit.path ?? `block-${this.#files.size + 1}`;
        this.#files.set(unit, { group, name });
        mkdirSync(dirname(join(this.#folder, group, 'src', name)), { recursive: true });
        const alone = /^\s*(import|export)\s/m.test(unit.code + (unit.suffix ?? '')) ? '' : 'export {};\n';
        writeFileSync(join(this.#folder, group, 'src', `${name}.ts`), unit.code + (unit.suffix ?? '') + alone);
    }

    /** Compiles everything that was added. */
    async compile(): Promise<void> {
        await Promise.all(
            [...this.#groups].map(async ([group, flags]) => {
                const folder = join(this.#folder, group);
                const config = { compilerOptions: { ...USER_OPTIONS, ...flags }, include: ['src'] };
                writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
                writeFileSync(join(folder, 'src', 'prelude.d.ts'), PRELUDE);
                this.#note(group, await typeScript(folder));
            })
        );
    }

    /** What tsc says about a unit; the lines are those of the block. */
    problemsOf(unit: CompileUnit): string[] {
        const { group, name } = this.#file(unit);
        return this.#problems.get(`${group}/src/${name}.ts`) ?? [];
    }

    /**
     * What tsc says about anything else: the prelude, the packages' own types, the configuration. Not about the types of
     * packages that are not ours, some of which don't stand `exactOptionalPropertyTypes`.
     */
    problemsElsewhere(): string[] {
        const units = new Set([...this.#files.values()].map(({ group, name }) => `${group}/src/${name}.ts`));
        return [...this.#problems]
            .filter(([file]) => !units.has(file) && !file.includes('/node_modules/'))
            .flatMap(([file, lines]) => [file, ...lines]);
    }

    /** The path of the JavaScript that tsc made of a unit. */
    scriptOf(unit: CompileUnit): string {
        const { group, name } = this.#file(unit);
        return join(this.#folder, group, 'out', `${name}.js`);
    }

    /** The path of the program that runs the scripts. */
    get stage(): string {
        return join(this.#folder, 'group-0', 'out', 'blocks', 'stage', 'main.js');
    }

    [Symbol.dispose](): void {
        rmSync(this.#folder, { recursive: true, force: true });
    }

    #groupOf(flags: Flags): string {
        const wanted = JSON.stringify(flags);
        const known = [...this.#groups].find(([, existing]) => JSON.stringify(existing) === wanted);
        if (known !== undefined) {
            return known[0];
        }
        const name = `group-${this.#groups.size}`;
        mkdirSync(join(this.#folder, name, 'src'), { recursive: true });
        this.#groups.set(name, flags);
        return name;
    }

    #file(unit: CompileUnit) {
        const file = this.#files.get(unit);
        if (file === undefined) {
            throw new Error('This unit was not added to the project');
        }
        return file;
    }

    #note(group: string, output: string): void {
        let lines: string[] = [];
        for (const line of output.split('\n').filter(text => text !== '')) {
            const place = /^(\S.*?)\((\d+),\d+\): (.*)$/.exec(line);
            if (place === null && line.startsWith(' ')) {
                lines.push(line);
                continue;
            }
            const file = place?.[1] === undefined ? group : `${group}/${place[1]}`;
            lines = this.#problems.get(file) ?? [];
            lines.push(place === null ? line : `line ${place[2]}: ${place[3]}`);
            this.#problems.set(file, lines);
        }
    }
}

/** Runs tsc on a project's folder or configuration file, and gives what it printed. */
export async function typeScript(project: string): Promise<string> {
    const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
    return new Promise((done, failed) => {
        const cwd = project.endsWith('.json') ? dirname(project) : project;
        const options = { cwd, maxBuffer: 64 * 1024 * 1024 };
        execFile(process.execPath, [tsc, '--pretty', 'false', '-p', project], options, (error, stdout, stderr) => {
            if (error !== null && stdout === '') {
                failed(new Error(`tsc did not run: ${stderr || error.message}`, { cause: error }));
            } else {
                done(stdout);
            }
        });
    });
}
