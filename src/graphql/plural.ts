/** The English plural of a name: `Transaction` is `Transactions`, `Delivery` is `Deliveries`, `Purchase` `Purchases`. */
export function plural(name: string): string {
  if (/[^aeiou]y$/i.test(name)) return `${name.slice(0, -1)}ies`;
  if (/(?:s|x|z|ch|sh)$/i.test(name)) return `${name}es`;
  return `${name}s`;
}
