import { expect } from 'vitest';

import type { WatermarkService } from '@cbnsndwch/zero-watermark-nats-kv';
import type { TestingModule } from '@nestjs/testing';

import type { Flags } from './project.js';
import type { Scene } from './scene.js';
import type { ServerKind } from './servers.js';

/** What a test does with a block beyond compiling it as it stands. */
export interface Plan {
    /** What has to be declared after the block, because its text only speaks of it. */
    readonly suffix?: string;
    /** A strict flag that this block doesn't stand, the error it would give, and why the block is as it is. */
    readonly lenient?: { readonly flags: Flags; readonly error: string; readonly because: string };
    /** @default 'open' */
    readonly server?: ServerKind;
    /** How it is run and what must be seen then; `notRun`: why it can't be. */
    readonly run: ((scene: Scene) => Promise<void>) | { readonly notRun: string };
}

/** Starts what the block has declared, and sees it store and find a watermark. */
export async function bootDeclared(scene: Scene): Promise<TestingModule> {
    await scene.run();
    expect(scene.declared).toHaveLength(1);
    const global = scene.host.ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true });
    const app = await scene.boot({ imports: [await global, ...scene.declared] });
    await expectToWork(app.get<WatermarkService>(scene.host.api.WatermarkService));
    return app;
}

/** The class that the block exports under a name, as Nest makes it in an application with this scene's store. */
export async function provide<T>(scene: Scene, name: string, prepare: (prototype: T) => void = () => {}): Promise<T> {
    const type = classOf<T>(await scene.run(), name);
    prepare(type.prototype);
    const app = await scene.boot({ imports: [scene.storeModule()], providers: [type] });
    return app.get(type);
}

export function classOf<T>(exported: Record<string, unknown>, name: string): { new (...args: never[]): T; prototype: T } {
    const type = exported[name];
    expect(type, `the block exports the class ${name}`).toBeTypeOf('function');
    return type as { new (...args: never[]): T; prototype: T };
}

/** Sees a service store and find a watermark. */
export async function expectToWork(service: WatermarkService): Promise<void> {
    await service.set('users', 'v1', { count: 1 });
    expect(await service.get('users')).toMatchObject({ key: 'users', version: 'v1', data: { count: 1 } });
}
