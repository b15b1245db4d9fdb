import { Field, InputType, ObjectType, registerEnumType } from 'type-graphql';
import type { ParquetCompression as Compression } from '../../lake/export/parquet.ts';
import type { ExportFormat as Format } from '../../lake/export/result.ts';
import { ExportRows } from './export-rows.ts';
import { AsOfInput } from './inputs.ts';
import { BigIntScalar, DateTimeScalar } from './scalars.ts';

export const ExportFormat = {
  ARROW: 'arrow',
  ARROW_STREAM: 'arrow-stream',
  PARQUET: 'parquet',
} as const satisfies Record<string, Format>;

registerEnumType(ExportFormat, {
  name: 'ExportFormat',
  description: 'Format of an exported file.',
  valuesConfig: {
    ARROW: { description: 'Arrow IPC file, also called Feather: can be memory-mapped.' },
    ARROW_STREAM: { description: 'Arrow IPC stream: can be read while it arrives.' },
    PARQUET: { description: 'Parquet, whose Arrow schema says which lists have a fixed size.' },
  },
});

export const ExportCompression = {
  ZSTD: 'zstd',
  SNAPPY: 'snappy',
  GZIP: 'gzip',
  LZ4_RAW: 'lz4_raw',
  UNCOMPRESSED: 'uncompressed',
} as const satisfies Record<string, Compression>;

registerEnumType(ExportCompression, { name: 'ExportCompression', description: 'Codec of Parquet pages.' });

@InputType({ description: 'Which rows to export, and how.' })
export class ExportInput {
  @Field(() => String, {
    nullable: true,
    description: 'One SELECT over the tables and views of the lake, as `sql` takes it. This or `rows`.',
  })
  sql?: string | null;

  @Field(() => ExportRows, {
    nullable: true,
    description: 'Rows of one table or view, chosen as in GraphQL. This or `sql`.',
  })
  rows?: object | null;

  @Field(() => ExportFormat, { defaultValue: ExportFormat.ARROW, description: 'Of the file.' })
  format!: Format;

  @Field(() => ExportCompression, { nullable: true, description: 'Of Parquet; ZSTD by default.' })
  compression?: Compression | null;

  @Field(() => AsOfInput, { nullable: true, description: 'An older state of the lake.' })
  asOf?: AsOfInput | null;
}

@ObjectType({ description: 'A file with exported rows.', simpleResolvers: true })
export class Export {
  @Field(() => String, {
    description:
      'Where to get it until it expires: a signed URL of the bucket, which needs no token, or a URL of this server.',
  })
  url!: string;

  @Field(() => ExportFormat, { description: 'Of the file.' })
  format!: Format;

  @Field(() => BigIntScalar, { description: 'Rows in the file.' })
  rows!: number;

  @Field(() => BigIntScalar, { description: 'Size of the file.' })
  bytes!: number;

  @Field(() => String, { description: 'SHA-256 of the file, in hexadecimal.' })
  sha256!: string;

  @Field(() => String, { description: 'Token of the state of the lake that it holds.' })
  snapshot!: string;

  @Field(() => DateTimeScalar, { description: 'When the URL ends to work and the file is deleted.' })
  expiresAt!: string;
}
