from django.contrib import admin

from .models import Note

admin.site.site_header = admin.site.site_title = "Board"


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    list_display = ["text", "author", "file", "created"]
    list_filter = ["created"]
    search_fields = ["text"]
