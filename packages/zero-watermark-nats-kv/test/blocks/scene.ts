import { randomUUID } from 'node:crypto';

import type { WatermarkService, WatermarkStore } from '@cbnsndwch/zero-watermark-nats-kv';
import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { vi } from 'vitest';

import { natsServers } from '../nats-binaries.js';
import { Output } from './output.js';
import type { Host } from './prelude.js';
import { type BlockProject, type CompileUnit, nativeImport } from './project.js';
import type { ServerKind, Servers } from './servers.js';

/** Everything that is there once for all blocks. */
export interface Theatre {
    readonly project: BlockProject;
    readonly servers: Servers;
    readonly host: Host;
}

/**
 * One block on stage: a real server, a bucket of its own, the names that its document takes for granted, and another
 * instance of the application to see what it does.
 */
export class Scene implements AsyncDisposable {
    readonly host: Host;
    readonly output = new Output();
    /** What the block declared with the `ZeroWatermarkNatsKvModule` of the prelude. */
    readonly declared: DynamicModule[] = [];
    readonly bucket = `blocks-${randomUUID()}`;
    readonly #theatre: Theatre;
    readonly #unit: CompileUnit;
    readonly #server: { readonly url: string; readonly kind: ServerKind };
    readonly #open: { close(): Promise<void> }[] = [];
    #watermarks: WatermarkService | undefined;

    private constructor(theatre: Theatre, unit: CompileUnit, server: { url: string; kind: ServerKind }) {
        this.#theatre = theatre;
        this.#unit = unit;
        this.#server = server;
        this.host = theatre.host;
    }

    static async open(theatre: Theatre, unit: CompileUnit, kind: ServerKind): Promise<Scene> {
        const { url } = await theatre.servers.start(kind);
        const scene = new Scene(theatre, unit, { url, kind });
        vi.stubEnv('NATS_SERVERS', url);
        vi.stubEnv('NATS_BUCKET', scene.bucket);
        vi.stubEnv('NATS_SERVER_BIN', natsServers().newest.path);
        if (kind === 'open') {
            scene.#watermarks = (await scene.#openStore()).watermarks;
            const { watermarks } = await scene.#openStore();
            scene.give('watermarks', watermarks);
            scene.give('watermarkService', watermarks);
        }
        scene.give('WatermarkService', scene.host.api.WatermarkService);
        scene.give('Injectable', scene.host.common.Injectable);
        scene.give('ZeroWatermarkNatsKvModule', scene.#recorder());
        return scene;
    }

    get url(): string {
        return this.#server.url;
    }

    /** Another instance, which shares nothing with the block but the bucket. */
    get watermarks(): WatermarkService {
        if (this.#watermarks === undefined) {
            throw new Error(`There is no other instance on a server of kind ${this.#server.kind}`);
        }
        return this.#watermarks;
    }

    /** Gives a name of the prelude its value. */
    give(name: string, value: unknown): void {
        vi.stubGlobal(name, value);
    }

    /** The block as it is run: what tsc made of it, with address, bucket and file of this scene in place of the document's. */
    script(): string {
        const script = substitute(this.#theatre.project.javascriptOf(this.#unit), [
            [/nats:\/\/(localhost|nats-\d\.example\.com):4222/g, this.url],
            [/(?<=bucket: ')[\w-]+(?=')/g, this.bucket],
            [/\.\/(config\/)?nats\.creds/g, this.#theatre.servers.credentialsPath]
        ]);
        const strange = /\b(nats|tls):\/\/(?!127\.0\.0\.1:)[^'"`\s]+/.exec(script);
        if (strange !== null) {
            throw new Error(`No block may reach for a server that is not the test's own: ${strange[0]}`);
        }
        return script;
    }

    /** Runs the block, and gives what it exports. */
    async run(): Promise<Record<string, unknown>> {
        const path = this.#theatre.project.write(`${randomUUID()}.mjs`, this.script());
        return (await nativeImport(path)) as Record<string, unknown>;
    }

    /** Starts a Nest application of the given parts; it is closed with the scene. */
    async boot(parts: ModuleMetadata): Promise<TestingModule> {
        const building = this.host.Test.createTestingModule(parts);
        const app = await building.setLogger(false).compile();
        this.#open.push(app);
        return app.init();
    }

    /** The module with which an application uses this scene's bucket. */
    storeModule(): DynamicModule {
        return this.host.api.ZeroWatermarkNatsKvModule.forRoot({ servers: [this.url], bucket: this.bucket });
    }

    /** Something of the block's that has to be closed with the scene. */
    closeLater(resource: { close(): Promise<void> }): void {
        this.#open.push(resource);
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await Promise.all(this.#open.map(resource => resource.close()));
        vi.unstubAllGlobals();
        vi.unstubAllEnvs();
        this.output[Symbol.dispose]();
    }

    async #openStore(): Promise<WatermarkStore> {
        const store = await this.host.api.openWatermarkStore({ servers: [this.url], bucket: this.bucket });
        this.#open.push(store);
        return store;
    }

    #recorder() {
        const { ZeroWatermarkNatsKvModule: real } = this.host.api;
        const record = (module: DynamicModule) => {
            this.declared.push(module);
            return module;
        };
        return {
            forRoot: (options: Parameters<typeof real.forRoot>[0]) => record(real.forRoot(options)),
            forRootAsync: (options: Parameters<typeof real.forRootAsync>[0]) => record(real.forRootAsync(options))
        };
    }
}

function substitute(text: string, replacements: readonly (readonly [RegExp, string])[]): string {
    return replacements.reduce((result, [pattern, value]) => result.replace(pattern, () => value), text);
}
