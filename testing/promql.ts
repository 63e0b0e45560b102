/**
 * The metrics, the patterns of names of metrics, and the labels in an expression of PromQL. Texts in quotes and names of functions are none of them.
 */
export function namesIn(expr: string): { metrics: string[]; patterns: RegExp[]; labels: string[] } {
  const patterns = [...expr.matchAll(/__name__=~"([^"]+)"/g)].map(([, pattern = '']) => new RegExp(`^(${pattern})$`))
  const bare = expr.replace(/"[^"]*"/g, '""')
  const lists = [...bare.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/\s*,\s*/))
  const matched = [...bare.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list.split(',').map((each) => each.split(/[=!]/)[0]?.trim() ?? ''),
  )
  const outside = bare.replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ').replace(/\b(?:by|on)\s*\([^)]*\)/g, ' ')
  const words = [...outside.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\()\b/g)].map(([word]) => word)
  const keywords = /^(and|or|unless|offset|sum|max|min|count|rate|increase|absent|time|histogram_quantile|\d+m|m)$/
  return {
    metrics: words.filter((word) => !keywords.test(word)),
    patterns,
    labels: [...lists, ...matched].filter((label) => label !== '' && label !== '__name__'),
  }
}
