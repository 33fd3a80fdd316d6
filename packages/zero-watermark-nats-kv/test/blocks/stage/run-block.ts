import assert from 'node:assert/strict';

import { runInVitest } from './nested-vitest.js';
import { type Block, expectToStart } from './plan.js';
import type { Scene } from './scene.js';

type NestClass = new (...args: never[]) => unknown;

/** Runs a block: modules and classes that it exports are started, and it prints what it announces. */
export async function runScript(block: Block, scene: Scene): Promise<void> {
    const exported = Object.values(await scene.run());
    const classes = block.file === undefined ? exported.filter(isClass) : [];
    for (const module of [...classes.filter(isModule), ...scene.declared]) {
        await expectToStart(await scene.boot({ imports: [module] }));
    }
    const providers = classes.filter(type => !isModule(type));
    if (providers.length > 0) {
        const app = await scene.boot({ imports: [scene.storeModule()], providers });
        providers.forEach(type => assert.ok(app.get<unknown>(type) instanceof type));
    }
    const announced = [...block.code.matchAll(/\/\/ → (.*)$/gm)].map(match => match[1] ?? '');
    for (const line of announced) {
        await scene.output.call(line);
    }
    assert.deepEqual(
        scene.output.lines.filter(line => announced.includes(line)),
        announced
    );
}

/** Runs a block with tests, all of which must pass. */
export async function runTests(block: Block, scene: Scene): Promise<void> {
    const announced = [...block.code.matchAll(/\b(?:test|it)\('([^']+)'/g)].map(match => match[1]);
    assert.deepEqual(await runInVitest(scene), announced);
}

function isClass(value: unknown): value is NestClass {
    return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function isModule(type: NestClass): boolean {
    return type.name.endsWith('Module');
}
