// Package about has the long help texts of the commands.
//
// Each text explains one command: its effect, the conditions under which it is refused, and the answer. Texts are at
// most 96 columns wide, so that they fit a terminal. The texts of commands with a package of their own are in that
// package.
//
// The package has constants alone.
package about
