import assert from 'node:assert/strict';

import { WatermarkService } from '@cbnsndwch/zero-watermark-nats-kv';
import { ConfigModule } from '@nestjs/config';
import type { TestingModule } from '@nestjs/testing';

import type { Scene } from './scene.js';
import type { ServerKind } from './servers.js';

/** One fenced block of a document. */
export interface Block {
    /** The document, as seen from the root. */
    readonly document: string;
    /** The heading that it stands under, with a number from the second block of the language on: `Types (2)`. */
    readonly name: string;
    readonly language: string;
    readonly code: string;
    /** The line of the document on which the code begins. */
    readonly line: number;
    /** The file that it is, where a comment at its top says so: others of the same document can import it. */
    readonly file: string | undefined;
}

/** What a test does with a block beyond compiling it as it stands. */
export interface Plan {
    /** What has to be declared after the block, because its text only speaks of it. */
    readonly suffix?: string;
    /** A strict flag that this block doesn't stand, the error it would give, and why the block is as it is. */
    readonly lenient?: {
        readonly flags: Readonly<Record<string, boolean>>;
        readonly error: string;
        readonly because: string;
    };
    /** @default 'open' */
    readonly server?: ServerKind;
    /** How it is run and what must be seen then; `notRun`: why it can't be. */
    readonly run: ((scene: Scene, block: Block) => Promise<void>) | { readonly notRun: string };
}

type Class<T> = { new (...args: never[]): T; prototype: T };

/** Starts what the block has declared, and sees it store and find a watermark. */
export async function bootDeclared(scene: Scene): Promise<void> {
    await scene.run();
    assert.equal(scene.declared.length, 1);
    const global = await ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true });
    await expectToStart(await scene.boot({ imports: [global, ...scene.declared] }));
}

/** Sees an application's service store and find a watermark. */
export async function expectToStart(app: TestingModule): Promise<void> {
    const service = app.get(WatermarkService);
    await service.set('users', 'v1', { count: 1 });
    const watermark = await service.get('users');
    assert.deepEqual([watermark?.version, watermark?.data], ['v1', { count: 1 }]);
}

/** The class that the block exports under a name, as Nest makes it in an application with this scene's store. */
export async function provide<T>(scene: Scene, name: string, prepare: (prototype: T) => void = () => {}): Promise<T> {
    const type = classOf<T>(await scene.run(), name);
    prepare(type.prototype);
    const app = await scene.boot({ imports: [scene.storeModule()], providers: [type] });
    return app.get(type);
}

export function classOf<T>(exported: Record<string, unknown>, name: string): Class<T> {
    const type = exported[name];
    assert.equal(typeof type, 'function', `the block exports no class ${name}`);
    return type as Class<T>;
}
