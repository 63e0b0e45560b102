import { z } from 'zod'

/** The address of another service. */
export const serviceUrl = z.url({ protocol: /^https?$/ })

/** Services of Decentraland, or of others, that are asked about scenes and players. */
export const serviceVariables = {
  CONTENT_URL: serviceUrl
    .optional()
    .describe(
      'Base URL of the content server of a catalyst (`…/content`), which says what scene is where: for bans and administrators of scenes.',
    ),
  LAMBDAS_URL: serviceUrl
    .optional()
    .describe('Base URL of the lambdas of a catalyst (`…/lambdas`), which say who owns and operates land and names.'),
  PLACES_API_URL: serviceUrl
    .optional()
    .describe(
      'Base URL of a places service (`…/api`), whose ids bans and administrators of scenes are kept by; unset = by the base parcel of the scene.',
    ),
  WORLD_CONTENT_URL: serviceUrl
    .optional()
    .describe(
      'Base URL of a worlds content server, which says who may change which world: for bans and administrators of scenes of worlds.',
    ),
  SOCIAL_SERVICE_URL: serviceUrl
    .optional()
    .describe('Base URL of a social service, which knows from whom players take private messages; unset = from all.'),
  LEASES_URL: serviceUrl
    .optional()
    .describe(
      'URL of the folder with `authorizations.json`, the list of who has leased which land; unset = a lease gives no right.',
    ),
  DENYLIST_URL: serviceUrl
    .optional()
    .describe('URL of `{"users":[{"wallet":"0x…"}]}`: wallets that get no token; unset = no wallet.'),
}
