package shop;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** The fields of an event that the jobs need. */
public class Event {
    public String eventId;
    public String userId;
    public String sessionId;
    public String eventType;
    public long timestamp;
    public String page;
    public String productId;
    public String amount;
    public String ip;

    private static final JsonFactory JSON = new JsonFactory();

    /** Reads an event from a line, field by field. */
    static Event read(byte[] line, int length) throws IOException {
        Event event = new Event();
        try (JsonParser json = JSON.createParser(line, 0, length)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                JsonToken value = json.nextToken();
                switch (name) {
                    case "eventId" -> event.eventId = json.getText();
                    case "userId" -> event.userId = value == JsonToken.VALUE_NULL ? null : json.getText();
                    case "sessionId" -> event.sessionId = json.getText();
                    case "eventType" -> event.eventType = json.getText();
                    case "timestamp" -> event.timestamp = json.getLongValue();
                    case "properties" -> event.readProperties(json);
                    case "context" -> event.readContext(json);
                    default -> json.skipChildren();
                }
            }
        }
        return event;
    }

    private void readProperties(JsonParser json) throws IOException {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "page" -> page = json.getText();
                case "productId" -> productId = json.getText();
                case "amount" -> amount = json.getText();
                default -> json.skipChildren();
            }
        }
    }

    private void readContext(JsonParser json) throws IOException {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            json.nextToken();
            if (name.equals("ip")) {
                ip = json.getText();
            } else {
                json.skipChildren();
            }
        }
    }
}
