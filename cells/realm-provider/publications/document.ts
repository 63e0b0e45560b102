import { z } from 'zod'
import type { PublicationDocument } from '../../../crds/publication.ts'
import { Refusal } from '../../chassis/errors.ts'

const url = z
  .string()
  .max(253)
  .regex(/^https?:\/\/[^\s?#]+$/)
const urn = z.string().min(1).max(1024)
const name = z.string().min(1).max(253)
const slot = z.number().int().min(0).max(31)
const parcel = z.number().int().min(-100_000).max(100_000)
const image = z
  .string()
  .max(1024)
  .regex(/^https?:\/\/\S+$/)
const tiles = z.object({
  version: z.literal('v1'),
  baseUrl: image,
  suffixUrl: z.string().max(64).regex(/^\S*$/).optional(),
  topLeftOffset: z.object({ horizontal: parcel, vertical: parcel }).optional(),
})

const location = z.object({
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  coordinates: z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) }).optional(),
})

/** The bounds of the Realm CRD, because each document is made from a Realm. */
const schema = z.strictObject({
  publisher: z.string().regex(/^[A-Za-z0-9-]{8,64}$/),
  realm: z.strictObject({ namespace: name, name }),
  ttlSeconds: z.number().int().min(15).max(3600),
  version: z.string().min(1).max(128),
  endpoints: z
    .array(
      z.object({
        slot,
        adapter: z.string().min(1).max(512),
        cell: name,
        state: z.enum(['Serving', 'Unhealthy']),
      }),
    )
    .min(1)
    .max(32),
  assignment: z
    .object({
      assignment: z.enum(['LeastLoaded', 'Fill', 'Sticky']),
      capacity: z.number().int().min(1).max(1_000_000).optional(),
    })
    .optional(),
  content: z.object({
    catalysts: z.array(url).max(32),
    catalystList: z.object({ url: url.startsWith('https://'), max: z.number().int().min(1).max(32) }).optional(),
    catalystLocations: z.array(location.extend({ url })).max(32).optional(),
    networkId: z.number().int().min(1),
    scenesUrn: z.array(urn).max(64),
    globalScenesUrn: z.array(urn).max(64),
    map: z.object({
      minimapEnabled: z.boolean(),
      sizes: z.array(z.object({ left: parcel, top: parcel, right: parcel, bottom: parcel })).max(64),
      satelliteView: tiles.optional(),
      thumbnailView: tiles.optional(),
      parcelView: z.object({ version: z.literal('v1'), imageUrl: image }).optional(),
    }),
    services: z
      .array(
        z.object({
          name: z
            .string()
            .max(63)
            .regex(/^[A-Za-z][A-Za-z0-9-]*$/),
          url,
          healthPath: z
            .string()
            .max(253)
            .regex(/^\/[^\s?#]*$/)
            .optional(),
        }),
      )
      .max(32)
      .optional(),
    localSceneParcels: z
      .array(
        z
          .string()
          .max(15)
          .regex(/^-?\d{1,6},-?\d{1,6}$/),
      )
      .max(1024)
      .optional(),
    cityLoaderContentServer: z.union([url, z.literal('')]).optional(),
    skybox: z
      .object({ fixedHour: z.number().int().min(0).max(86_400).optional(), textures: z.array(urn).max(16).optional() })
      .optional(),
    minimap: z.object({ enabled: z.boolean().optional(), dataImage: image.optional(), estateImage: image.optional() }).optional(),
  }),
  statsUrl: url.optional(),
  shared: z.boolean().optional(),
  location: location.optional(),
  world: z
    .object({
      name,
      scenes: z.array(urn).min(1).max(64),
      spawn: z
        .string()
        .regex(/^-?\d{1,6},-?\d{1,6}$/)
        .optional(),
      gatekeeperUrl: url.optional(),
    })
    .optional(),
})

/** @throws Refusal INVALID when the body is not JSON */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new Refusal('INVALID', 'the body is not JSON', { cause })
  }
}

/** Reads the body of a publication. @throws Refusal INVALID naming the first invalid field */
export const parseDocument = (body: Buffer): PublicationDocument => checkDocument(parseJson(body))

/** `parseDocument` for parsed JSON. */
export function checkDocument(body: unknown): PublicationDocument {
  const parsed = schema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Refusal('INVALID', `${issue?.path.join('.') || 'the body'}: ${issue?.message}`)
  }
  // All that was parsed came from JSON, which has no undefined.
  return parsed.data as PublicationDocument
}
