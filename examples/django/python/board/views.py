import csv

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import UserCreationForm
from django.forms import ModelForm
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from .models import Note


class NoteForm(ModelForm):
    class Meta:
        model = Note
        fields = ["text", "file"]


@require_safe
def index(request):
    return render(request, "board/index.html", {"notes": Note.objects.select_related("author"), "form": NoteForm()})


@login_required
@require_POST
def add(request):
    form = NoteForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "board/index.html", {"notes": Note.objects.all(), "form": form}, status=422)
    form.instance.author = request.user
    form.save()
    messages.success(request, "Your note is on the board.")
    return redirect("index")


@login_required
def edit(request, pk):
    note = get_object_or_404(Note, pk=pk, author=request.user)
    form = NoteForm(request.POST or None, request.FILES or None, instance=note)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your note is changed.")
        return redirect("index")
    return render(request, "board/form.html", {"form": form, "title": "Change a note"})


@require_safe
def download(request, pk):
    note = get_object_or_404(Note, pk=pk)
    if not note.file:
        raise Http404("The note has no attachment.")
    # As an attachment, because a browser would run the scripts of a page that somebody has uploaded.
    return FileResponse(note.file.open(), as_attachment=True, filename=note.filename)


class Echo:
    """A file for csv.writer that gives back each line."""

    def write(self, line):
        return line


@require_safe
def export(request):
    writer = csv.writer(Echo())
    rows = Note.objects.values_list("created", "author__username", "text").iterator()
    return StreamingHttpResponse(
        map(writer.writerow, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="notes.csv"'},
    )


def register(request):
    form = UserCreationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return redirect("index")
    return render(request, "board/form.html", {"form": form, "title": "Register"})
