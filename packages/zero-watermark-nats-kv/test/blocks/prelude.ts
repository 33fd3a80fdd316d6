/**
 * The names that blocks use without importing them, as the text around them introduced them.
 *
 * `host.ts` in the project gives the same names their values when the blocks run.
 */
export const PRELUDE = `
import type * as api from '@cbnsndwch/zero-watermark-nats-kv';
import type * as nest from '@nestjs/common';

declare global {
    const watermarkService: api.WatermarkService;
    const watermarks: api.WatermarkService;
    const ZeroWatermarkNatsKvModule: typeof api.ZeroWatermarkNatsKvModule;
    const WatermarkService: typeof api.WatermarkService;
    type WatermarkService = api.WatermarkService;
    const Injectable: typeof nest.Injectable;
}
`;

/** Everything that a test of blocks needs from the packages, seen from where the blocks see it. */
export const HOST = `
import 'reflect-metadata';
export * as api from '@cbnsndwch/zero-watermark-nats-kv';
export * as common from '@nestjs/common';
export { ConfigModule } from '@nestjs/config';
export { NestFactory } from '@nestjs/core';
export { Test } from '@nestjs/testing';
`;

/** The types of {@link HOST}. */
export interface Host {
    readonly api: typeof import('@cbnsndwch/zero-watermark-nats-kv');
    readonly common: typeof import('@nestjs/common');
    readonly ConfigModule: typeof import('@nestjs/config').ConfigModule;
    readonly NestFactory: typeof import('@nestjs/core').NestFactory;
    readonly Test: typeof import('@nestjs/testing').Test;
}
