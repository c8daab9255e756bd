/**
 * A term of a field selector that wants exactly this value, whatever is in it.
 * @see https://pkg.go.dev/k8s.io/apimachinery/pkg/fields#EscapeValue
 */
export function fieldEquals(field: string, value: string): string {
  return `${field}=${value.replaceAll(/[\\,=]/g, String.raw`\$&`)}`;
}
