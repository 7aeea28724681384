// Package signals is documented below.
package signals
