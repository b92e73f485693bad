// Package ui is the window: the shell, its views and widgets, and the theme. It is Fyne.
//
// A newcomer starts at Shell (shell.go), which builds one presenter and one view for each part of the window and connects them. A view
// renders the state of its presenter and passes on what the person does; it decides nothing. What must not be here: SQL, HTTP,
// decoding or scaling of pictures, goroutines of views, and fyne.io/fyne/v2/app, which would pull a display into every test.
package ui
