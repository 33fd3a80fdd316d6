import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import * as api from '@cbnsndwch/zero-watermark-nats-kv';
import { type DynamicModule, Injectable, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';

import { Output } from './output.js';
import type { ServerKind, Servers } from './servers.js';

/**
 * One block on stage: a real server, a bucket of its own, the names that its document takes for granted, and another
 * instance of the application to see what it does.
 */
export class Scene implements AsyncDisposable {
    readonly output = new Output();
    /** What the block declared with the `ZeroWatermarkNatsKvModule` that it did not import. */
    readonly declared: DynamicModule[] = [];
    readonly bucket = `blocks-${randomUUID()}`;
    readonly url: string;
    readonly #scriptPath: string;
    readonly #files: Servers['files'];
    readonly #open: { close(): Promise<void> }[] = [];
    #watermarks: api.WatermarkService | undefined;
    #service: api.WatermarkService | undefined;

    private constructor(scriptPath: string, url: string, files: Servers['files']) {
        this.#scriptPath = scriptPath;
        this.url = url;
        this.#files = files;
    }

    static async open(scriptPath: string, servers: Servers, kind: ServerKind): Promise<Scene> {
        const { url } = await servers.start(kind);
        const scene = new Scene(scriptPath, url, servers.files);
        Object.assign(process.env, { NATS_SERVERS: url, NATS_BUCKET: scene.bucket });
        if (kind === 'open') {
            scene.#watermarks = (await scene.#openStore()).watermarks;
            const store = await scene.#openStore();
            scene.#service = store.watermarks;
            scene.give('resumeTokens', store.resumeTokens);
        }
        scene.give('watermarks', scene.#service);
        scene.give('watermarkService', scene.#service);
        scene.give('WatermarkService', api.WatermarkService);
        scene.give('Injectable', Injectable);
        scene.give('ZeroWatermarkNatsKvModule', scene.#recorder());
        return scene;
    }

    /** The service that the block knows as `watermarks` and as `watermarkService`. */
    get service(): api.WatermarkService {
        return onOpenServer(this.#service);
    }

    /** Another instance, which shares nothing with the block but the bucket. */
    get watermarks(): api.WatermarkService {
        return onOpenServer(this.#watermarks);
    }

    /** Gives a name that the block does not import its value. */
    give(name: string, value: unknown): void {
        Object.assign(globalThis, { [name]: value });
    }

    /** The bucket that documents call `existing`. */
    get existing(): string {
        return `${this.bucket}-existing`;
    }

    /** Where a file is that the block calls `./<name>`. */
    path(name: string): string {
        return join(dirname(this.#scriptPath), `${this.bucket}-${name}`);
    }

    /** The block as it is run: what tsc made of it, with address, bucket and file of this scene in the document's place. */
    script(): string {
        const script = this.#files
            .reduce(
                (text, [shown, path]) => text.replaceAll(`'${shown}'`, `'${path}'`),
                readFileSync(this.#scriptPath, 'utf8')
            )
            .replaceAll(/nats:\/\/(localhost|nats-\d\.example\.com):4222/g, this.url)
            // Not the address: certificates are made out to names.
            .replaceAll('tls://nats.example:4222', `tls://localhost:${new URL(this.url).port}`)
            .replaceAll(/(?<=bucket: ')[\w-]+(?=')/g, name => (name === 'existing' ? this.existing : this.bucket))
            .replaceAll(/(?<=')\.\/([\w-]+\.(?:db|ndjson))(?=')/g, (_, name: string) => this.path(name));
        const strange = /\b(nats|tls):\/\/(?!(127\.0\.0\.1|localhost):(?!4222\b))[^'"`\s]+/.exec(script);
        if (strange !== null) {
            throw new Error(`No block may reach for a server that is not the test's own: ${strange[0]}`);
        }
        return script;
    }

    /** Runs the block, and gives what it exports. */
    async run(): Promise<Record<string, unknown>> {
        return (await import(pathToFileURL(this.write(`${randomUUID()}.js`, this.script())).href)) as Record<
            string,
            unknown
        >;
    }

    /** Writes a module beside the block's own, where it sees the same packages. */
    write(name: string, code: string): string {
        const path = join(dirname(this.#scriptPath), name);
        writeFileSync(path, code);
        return path;
    }

    /** Starts a Nest application of the given parts; it is closed with the scene. */
    async boot(parts: ModuleMetadata): Promise<TestingModule> {
        const building = Test.createTestingModule(parts);
        const app = await building.setLogger(SILENT).compile();
        this.#open.push(app);
        return app.init();
    }

    /** The module with which an application uses this scene's bucket. */
    storeModule(): DynamicModule {
        return api.ZeroWatermarkNatsKvModule.forRoot({ servers: [this.url], bucket: this.bucket });
    }

    /** Something of the block's that has to be closed with the scene. */
    closeLater(resource: { close(): Promise<void> }): void {
        this.#open.push(resource);
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await Promise.all(this.#open.map(resource => resource.close()));
        this.output[Symbol.dispose]();
    }

    async #openStore(): Promise<api.WatermarkStore> {
        const store = await api.openWatermarkStore({ servers: [this.url], bucket: this.bucket });
        this.#open.push(store);
        return store;
    }

    #recorder() {
        const real = api.ZeroWatermarkNatsKvModule;
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

const SILENT = { log: () => {}, error: () => {}, warn: () => {} };

function onOpenServer(service: api.WatermarkService | undefined): api.WatermarkService {
    if (service === undefined) {
        throw new Error('On a server that asks for credentials, only what the block declares has access');
    }
    return service;
}
