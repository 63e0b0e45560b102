import { z } from 'zod'
import { parseEnv } from '../../cells/chassis/config.ts'
import { UserError } from '../../cells/chassis/errors.ts'

/** A LiveKit that the user names. */
export interface GivenLivekit {
  url: string
  apiKey: string
  apiSecret: string
}

const variables = z.object({ LIVEKIT_API_KEY: z.string().optional(), LIVEKIT_API_SECRET: z.string().optional() })

/**
 * The LiveKit of the option `--livekit`; undefined without it. Its secret comes from the environment or a file: the options of a
 * process can be read by every user of the machine.
 *
 * @throws UserError when the key or the secret is missing, or when the file cannot be read
 */
export function givenLivekit(
  {
    livekit: url,
    livekitApiKey,
    livekitApiSecretFile,
  }: { livekit?: string; livekitApiKey?: string; livekitApiSecretFile?: string },
  env: NodeJS.ProcessEnv,
): GivenLivekit | undefined {
  if (!url) return undefined
  const given = parseEnv(variables, {
    ...env,
    ...(livekitApiKey && { LIVEKIT_API_KEY: livekitApiKey }),
    ...(livekitApiSecretFile && { LIVEKIT_API_SECRET: undefined, LIVEKIT_API_SECRET_FILE: livekitApiSecretFile }),
  })
  const { LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = given
  if (!apiKey || !apiSecret)
    throw new UserError(
      '--livekit needs a key (--livekit-api-key or LIVEKIT_API_KEY) and a secret (LIVEKIT_API_SECRET or --livekit-api-secret-file)',
      2,
    )
  return { url, apiKey, apiSecret }
}
